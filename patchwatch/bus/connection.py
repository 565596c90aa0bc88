"""Connections to Redis, blocking and asyncio, with the same settings and the same errors.

redis-py's own retries are off: a worker decides itself what a lost connection means, and a repeated command could
be applied twice.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
from redis.retry import Retry

from patchwatch.bus import keys
from patchwatch.bus.rights import ADVICE
from patchwatch.bus.sentinel import connect_by_sentinel, connect_by_sentinel_async
from patchwatch.bus.writes import add_entry
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BusFullError, BusRefusedError, BusUnavailableError, ConfigurationError
from patchwatch.contract.redaction import one_line, redact
from patchwatch.contract.setting_parts.sentinel_address import SentinelAddress

BLOCK_MS = 1000  # longest blocking read; the socket timeout must exceed it
_SOCKET_TIMEOUT_S = 5.0

# Errors that may pass, by the first word of Redis, and what to do about them. Any other error is a defect of ours.
_REFUSALS = {
    "OOM": "is full: raise its maxmemory (PATCHWATCH_QUEUE_MEMORY_MB if it is ours); `patchwatch doctor` says what "
    "the cameras need",
    "READONLY": "is a replica that takes no writes: wait for the failover, or name the primary in PATCHWATCH_REDIS_URL",
    "MISCONF": "cannot save to its disk and takes no writes: free or repair that disk (see Redis' log)",
    "LOADING": "is loading its data: wait",
    "BUSY": "is held up by a script: wait, or SCRIPT KILL",
    "MASTERDOWN": "is a replica without its primary: repair the replication",
    "NOREPLICAS": "has too few replicas to take writes: repair the replication",
    "UNBLOCKED": "changes its role: wait for the failover",
}
_WORD_OF: dict[type[Exception], str] = {
    OutOfMemoryError: "OOM", ReadOnlyError: "READONLY", MasterDownError: "MASTERDOWN",
    redis.exceptions.BusyLoadingError: "LOADING",
}  # fmt: skip
# What only nodes of a Redis Cluster answer (docs/decisions/071).
_OF_CLUSTERS = (MovedError, AskError, TryAgainError, ClusterCrossSlotError, ClusterDownError)
NO_CLUSTER = (
    "the Redis of PATCHWATCH_REDIS_URL is a node of a Redis Cluster, and an alert is written in one transaction with "
    "the score that raised it, which no cluster takes: name a Redis with cluster-enabled no, or Sentinels that know a "
    "primary and its replicas (redis+sentinel://HOST:26379,HOST:26379/NAME/0); for more cameras than one Redis carries "
    "(`patchwatch plan`), start a second installation with a Redis of its own"
)
# Errors that waiting does not solve, by words in the error.
_WRONG_SETTINGS = {
    "NOPERM": ADVICE,
    "no permissions": ADVICE,
    "WRONGPASS": "user or password is wrong: correct PATCHWATCH_REDIS_URL; in it, @ is %40, : %3A, / %2F",
    "invalid username-password": "user or password is wrong: correct PATCHWATCH_REDIS_URL",
    "invalid password": "the password is wrong: correct PATCHWATCH_REDIS_URL",
    "NOAUTH": "it asks for a password: PATCHWATCH_REDIS_URL=redis://:PASSWORD@HOST:6379/0",
    "Authentication required": "it asks for a password: PATCHWATCH_REDIS_URL=redis://:PASSWORD@HOST:6379/0",
    "without any password configured": "it has no password: leave that out of PATCHWATCH_REDIS_URL",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not signed by a known authority: add ?ssl_ca_certs=/PATH/CA.pem "
    "to PATCHWATCH_REDIS_URL",
    "WRONG_VERSION_NUMBER": "it does not speak TLS: write redis:// in place of rediss://",
    "DB index": "it has no database of that number: name one from 0 to 15 in PATCHWATCH_REDIS_URL",
}
_PARAMETER = re.compile(r"'(\w{1,64})'|`(\w{1,64})`")
_NO_PRIMARY = "No master found"  # of redis-py's Sentinel
_NO_CONNECTION = "No connection available."  # of `redis.asyncio.BlockingConnectionPool`
# In a pipeline redis-py writes the command before the server's words.
_FIRST_WORD = re.compile(rf"(?:^|caused error: )({'|'.join(_REFUSALS)})\b")


def connect(url: str, timeout_s: float = _SOCKET_TIMEOUT_S) -> redis.Redis:
    """A blocking client. Connects lazily; raises `BusUnavailableError` on first use through `translated`, and
    `ConfigurationError` at once for a URL with a parameter that does not exist."""
    with _readable_parameters():
        options = {"retry": Retry(NoBackoff(), 0), **_options(timeout_s)}
        if (address := SentinelAddress.from_url(url)) is not None:
            return connect_by_sentinel(address, options)
        client = redis.Redis.from_url(url, **options)
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    return client


def connect_async(url: str, max_connections: int = 64) -> redis.asyncio.Redis:
    """An asyncio client with a bounded pool: callers wait while all connections are in use."""
    with _readable_parameters():
        options = {
            "max_connections": max_connections, "timeout": _SOCKET_TIMEOUT_S,
            "retry": AsyncRetry(NoBackoff(), 0), **_options(_SOCKET_TIMEOUT_S),
        }  # fmt: skip
        if (address := SentinelAddress.from_url(url)) is not None:
            return connect_by_sentinel_async(address, options)
        pool = redis.asyncio.BlockingConnectionPool.from_url(url, **options)
    return redis.asyncio.Redis.from_pool(pool)


@contextmanager
def _readable_parameters() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, redis.RedisError) as error:
        named = _PARAMETER.search(str(error))
        what = f"the parameter {named[1] or named[2]}" if named else "a parameter"
        raise ConfigurationError(
            f"PATCHWATCH_REDIS_URL: {what} after its ? is unknown or has a wrong value: correct or leave it out"
        ) from None


def _options(timeout_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        # The command is not retried, but the connection ends: after a failover the address leads to the new primary.
        "retry_on_error": [ReadOnlyError, MasterDownError],
    }


@contextmanager
def translated() -> Iterator[None]:
    """Translate the errors of redis-py, without the password in the URL.

    Lost connections, and refusals of a Redis that is full (`BusFullError`), read-only, loading or unable to save,
    become `BusUnavailableError`. Refusals that waiting does not solve become `BusRefusedError`.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
        translation = _translation(error)
        if translation is None:
            raise
        raise translation from None


def _translation(error: redis.RedisError) -> BusUnavailableError | None:
    word = _WORD_OF.get(type(error)) or next(iter(_FIRST_WORD.findall(str(error))), None)
    if word is not None:
        kind = BusFullError if word == "OOM" else BusUnavailableError
        return kind(f"Redis {_REFUSALS[word]} ({redact(str(error))})")
    if isinstance(error, _OF_CLUSTERS):
        return BusRefusedError(NO_CLUSTER)
    text = str(error).lower()  # servers differ in capitals
    advice = next((advice for words, advice in _WRONG_SETTINGS.items() if words.lower() in text), None)
    if advice is not None:
        return BusRefusedError(f"Redis refuses: {advice} ({redact(str(error))})")
    if isinstance(error, redis.ResponseError):
        return None
    if str(error) == _NO_CONNECTION:
        return BusUnavailableError("Redis answers too slowly: all our connections to it are in use; look at its load")
    if str(error).startswith(_NO_PRIMARY):
        return BusUnavailableError(
            "no Sentinel that answers knows a living primary of that name: wait for the failover, or correct hosts, "
            f"name and sentinel_password in PATCHWATCH_REDIS_URL ({redact(str(error))})"
        )
    return BusUnavailableError(
        f"Redis does not answer ({redact(str(error))}): start it, or correct PATCHWATCH_REDIS_URL"
    )


def ping(url: str, timeout_s: float = _SOCKET_TIMEOUT_S) -> None:
    """Raises `BusUnavailableError` when no Redis answers at ``url``."""
    with translated(), connect(url, timeout_s) as client:
        client.ping()


def admit(url: str, partitions: int, *, restoring: bool = False) -> None:
    """Check at the start that Redis at ``url`` is suitable, and that the installation uses so many partitions.

    The first process of an installation decides on their number. ``restoring``: it is the restore itself that asks,
    before whose end no role starts. Raises `ConfigurationError` for a problem that waiting
    does not solve, `BusUnavailableError` when Redis does not answer or takes no writes at present.
    """
    try:
        with translated(), connect(url) as client:
            client.ping()
            # Two keys at once, which lie in different slots: no node of a cluster answers that, and no right is needed.
            begun, known = cast("list[bytes | None]", client.mget(keys.RESTORING, keys.PARTITIONS))
            if begun is not None and not restoring:
                raise ConfigurationError(unfinished_restore(begun))
            agreed = _agreed_partitions(client, known, partitions)
            _try_rights(client)
    except BusRefusedError as error:
        raise ConfigurationError(str(error)) from None
    if agreed != partitions:
        raise ConfigurationError(
            f"PATCHWATCH_PARTITIONS is {partitions}, but this installation was begun with {agreed}, and other numbers "
            f"look for cameras elsewhere: set PATCHWATCH_PARTITIONS={agreed}"
        )


def unfinished_restore(begun: bytes) -> str:
    """What `keys.RESTORING` says, and what to do."""
    return (
        f"a restore has not ended ({one_line(begun.decode(errors='replace'), 200)}): wait for it, or run the same "
        "`patchwatch restore` again if it was interrupted"
    )


def _agreed_partitions(client: redis.Redis, known: bytes | None, partitions: int) -> int:
    if known is None and not client.set(keys.PARTITIONS, partitions, nx=True):
        known = cast("bytes | None", client.get(keys.PARTITIONS))
    return counted(known) if known is not None else partitions


def _try_rights(client: redis.Redis) -> None:
    """Try each kind of command that the roles use, on a key of our own that is deleted at once.

    Raises `ConfigurationError` for a server whose streams do not count what was added to them."""
    name = f"pw:probe:{{{uuid.uuid4().hex}}}"
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(name)  # type: ignore[no-untyped-call]
        pipe.multi()
        pipe.xadd(name, {"a": 1}, id="1-0")
        pipe.set(f"{name}:lease", b"ours")
        add_entry(pipe, name, {b"a": b"2"}, entry_id="2-0", maxlen=1, lease=f"{name}:lease", value=b"ours")
        pipe.xinfo_stream(name)
        pipe.xtrim(name, minid="3-0", approximate=False)
        pipe.delete(name, f"{name}:lease")
        info: Any = pipe.execute()[3]
    if "entries-added" not in info:
        raise ConfigurationError(
            "the Redis of PATCHWATCH_REDIS_URL is older than 7.0, and no alert would be delivered: install Redis 7.0 "
            "or newer, or Valkey"
        )
    client.xread({name: "0"}, count=1)
    client.scan(match=name, count=1)
    client.time()
