"""Clients of a Redis whose primary Sentinels know: each new connection asks them where it is now.

A connection that the primary's end or its demotion ends is made anew at the next command, so a failover is to all
workers what a restart of Redis is. Fencing holds across it: a lease names its worker beside its token, so that even
where the newest tokens were lost with the primary, no two workers take each other's lease for their own.
"""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelPool
from redis.connection import parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

from patchwatch.contract.setting_parts.sentinel_address import SentinelAddress

_SENTINEL_ANSWERS_WITHIN_S = 0.5  # one that is away is passed over at each new connection
_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")


class _BlockingPool(AsyncSentinelPool, redis.asyncio.BlockingConnectionPool):
    """Its callers wait while all connections are in use. What ends all of them ends those to the Sentinels, too."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


def connect_by_sentinel(address: SentinelAddress, options: dict[str, Any]) -> redis.Redis:
    """A blocking client of the primary. Raises as redis-py does for a parameter that does not exist."""
    server, sentinel = _arguments(address, options)
    sentinels = Sentinel(list(address.sentinels), sentinel_kwargs=sentinel)  # type: ignore[no-untyped-call]
    pool = SentinelConnectionPool(address.service, sentinels, ssl=address.tls, **server)  # type: ignore[no-untyped-call]
    pool.connection_class(**pool.connection_kwargs)
    return redis.Redis.from_pool(pool)


def connect_by_sentinel_async(address: SentinelAddress, options: dict[str, Any]) -> redis.asyncio.Redis:
    """An asyncio client of the primary, whose ``options`` bound its pool."""
    server, sentinel = _arguments(address, options)
    sentinels = AsyncSentinel(list(address.sentinels), sentinel_kwargs=sentinel)  # type: ignore[no-untyped-call]
    pool = _BlockingPool(address.service, sentinels, ssl=address.tls, **server)  # type: ignore[no-untyped-call]
    return redis.asyncio.Redis.from_pool(pool)


def _arguments(address: SentinelAddress, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """For connections to the primary, and to the Sentinels: these have a password of their own, if any."""
    server: dict[str, Any] = {**parse_url(address.server_url), **options}  # type: ignore[no-untyped-call]
    for name in ("host", "port", "connection_class"):
        server.pop(name, None)
    sentinel: dict[str, Any] = {
        "socket_timeout": _SENTINEL_ANSWERS_WITHIN_S, "socket_connect_timeout": _SENTINEL_ANSWERS_WITHIN_S,
        "retry": options["retry"],
    }  # fmt: skip
    for name in ("username", "password"):
        if (given := server.pop(f"sentinel_{name}", None)) is not None:
            sentinel[name] = given
    if address.tls:
        sentinel |= {"ssl": True, **{name: server[name] for name in _TLS if name in server}}
    return server, sentinel
