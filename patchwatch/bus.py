"""Connections to Redis, blocking and asyncio, with the same settings and the same errors.

redis-py's own retries are off: a worker decides itself what a lost connection means, and a repeated command could
be applied twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MasterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError
from redis.retry import Retry

from patchwatch.errors import BusFullError, BusUnavailableError
from patchwatch.messages.source import redact

BLOCK_MS = 1000  # longest blocking read; the socket timeout must exceed it
_SOCKET_TIMEOUT_S = 5.0

# What Redis refuses for now, by the first word of its error, and how to mend it. All else is a defect of ours, or a
# setting that no waiting mends (NOPERM, WRONGTYPE).
_REFUSALS = {
    "OOM": "is full: raise its maxmemory; `patchwatch doctor` says what the cameras need",
    "READONLY": "is a replica that takes no writes: wait for the failover, or name the primary in PATCHWATCH_REDIS_URL",
    "MISCONF": "cannot save to its disk and takes no writes: free or mend that disk (see Redis' log)",
    "LOADING": "is loading its data: wait",
    "BUSY": "is held up by a script: wait, or SCRIPT KILL",
    "MASTERDOWN": "is a replica without its primary: mend the replication",
    "NOREPLICAS": "has too few replicas to take writes: mend the replication",
    "CLUSTERDOWN": "is a cluster that is down: use a Redis that is not a cluster",
    "TRYAGAIN": "is a cluster being moved: use a Redis that is not a cluster",
    "UNBLOCKED": "changes its role: wait for the failover",
}
_WORD_OF: dict[type[Exception], str] = {
    OutOfMemoryError: "OOM", ReadOnlyError: "READONLY", MasterDownError: "MASTERDOWN", ClusterDownError: "CLUSTERDOWN",
    TryAgainError: "TRYAGAIN", redis.exceptions.BusyLoadingError: "LOADING",
}  # fmt: skip
_NO_CONNECTION = "No connection available."  # of `redis.asyncio.BlockingConnectionPool`
# In a pipeline redis-py writes the command before the server's words.
_FIRST_WORD = re.compile(rf"(?:^|caused error: )({'|'.join(_REFUSALS)})\b")


def connect(url: str, timeout_s: float = _SOCKET_TIMEOUT_S) -> redis.Redis:
    """A blocking client. Connects lazily; raises `BusUnavailableError` on first use through `translated`."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(timeout_s))


def connect_async(url: str, max_connections: int = 64) -> redis.asyncio.Redis:
    """An asyncio client with a bounded pool: whoever finds it in use waits, as when a thousand clients come at once."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=_SOCKET_TIMEOUT_S,
        retry=AsyncRetry(NoBackoff(), 0),
        **_options(_SOCKET_TIMEOUT_S),
    )
    return redis.asyncio.Redis.from_pool(pool)


def _options(timeout_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        # Not tried again, but the connection ends: after a failover the same address leads to the new primary.
        "retry_on_error": [ReadOnlyError, MasterDownError],
    }


@contextmanager
def translated() -> Iterator[None]:
    """Turn what may pass into `BusUnavailableError`, without the URL's password: lost connections, and refusals of a
    Redis that is full (`BusFullError`), read-only, loading or unable to save."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError) as error:
        found = _translation(error)
        if found is None:
            raise
        raise found from None


def _translation(error: redis.RedisError) -> BusUnavailableError | None:
    word = _WORD_OF.get(type(error)) or next(iter(_FIRST_WORD.findall(str(error))), None)
    if word is not None:
        kind = BusFullError if word == "OOM" else BusUnavailableError
        return kind(f"Redis {_REFUSALS[word]} ({redact(str(error))})")
    if isinstance(error, redis.ResponseError):
        return None
    if str(error) == _NO_CONNECTION:
        return BusUnavailableError("Redis answers too slowly: all our connections to it are in use; look at its load")
    return BusUnavailableError(
        f"Redis does not answer ({redact(str(error))}): start it, or correct PATCHWATCH_REDIS_URL"
    )


def ping(url: str) -> None:
    """Raises `BusUnavailableError` when no Redis answers at ``url``."""
    with translated(), connect(url) as client:
        client.ping()
