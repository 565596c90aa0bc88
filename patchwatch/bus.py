"""Connections to Redis, blocking and asyncio, with the same settings and the same errors.

redis-py's own retries are off: a worker decides itself what a lost connection means, and a repeated command could
be applied twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from patchwatch.errors import BusUnavailableError
from patchwatch.messages.source import redact

BLOCK_MS = 1000  # longest blocking read; the socket timeout must exceed it
_SOCKET_TIMEOUT_S = 5.0


def connect(url: str) -> redis.Redis:
    """A blocking client. Connects lazily; raises `BusUnavailableError` on first use through `translated`."""
    return redis.Redis.from_url(
        url, socket_timeout=_SOCKET_TIMEOUT_S, socket_connect_timeout=_SOCKET_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


def connect_async(url: str, max_connections: int = 64) -> redis.asyncio.Redis:
    """An asyncio client with a bounded pool."""
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=_SOCKET_TIMEOUT_S,
        socket_connect_timeout=_SOCKET_TIMEOUT_S,
        retry=AsyncRetry(NoBackoff(), 0),
        max_connections=max_connections,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn connection errors of redis-py into `BusUnavailableError`, without the URL's password."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.OutOfMemoryError) as error:
        raise BusUnavailableError(
            f"Redis does not answer ({redact(str(error))}): start it, or correct PATCHWATCH_REDIS_URL"
        ) from None


def ping(url: str) -> None:
    """Raises `BusUnavailableError` when no Redis answers at ``url``."""
    with translated(), connect(url) as client:
        client.ping()
