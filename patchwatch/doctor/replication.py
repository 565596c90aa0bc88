"""A Redis whose primary Sentinels know: whether another server could take its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from patchwatch.contract.setting_parts.sentinel_address import SentinelAddress
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, ok, warn

_ANSWERS_WITHIN_S = 1.0
_NAME = "redis sentinel"


def check_replication(settings: Settings, info: dict[str, Any]) -> Iterator[Finding]:
    """Nothing for an address of another kind. ``info``: what the primary answers to INFO."""
    url = settings.redis_url.get_secret_value() if settings.redis_url is not None else ""
    if (address := SentinelAddress.from_url(url)) is None:
        return
    there = [host for host in address.sentinels if _listens(*host)]
    replicas = int(info.get("connected_slaves", 0))
    told = f"{len(there)} of {len(address.sentinels)} Sentinels can be reached, {replicas} replicas follow the primary"
    if not replicas:
        yield warn(_NAME, f"nothing takes the place of the primary when it ends: {told}; start or repair a replica")
    elif 2 * len(there) <= len(address.sentinels):
        yield warn(_NAME, f"no failover can be agreed on: {told}; start the others")
    else:
        yield ok(_NAME, told)


def _listens(host: str, port: int) -> bool:
    """Whether something answers there, with or without a password."""
    try:
        with redis.Redis(host, port, socket_timeout=_ANSWERS_WITHIN_S, socket_connect_timeout=_ANSWERS_WITHIN_S) as one:
            return bool(one.ping())
    except redis.AuthenticationError:
        return True
    except redis.RedisError as error:
        return isinstance(error, redis.ResponseError)
