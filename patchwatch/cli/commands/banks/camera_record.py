"""The record of a camera, for commands that work without a service: from its Redis, where one runs."""

from __future__ import annotations

from typing import Any

import redis

from patchwatch.bus import keys
from patchwatch.bus.connection import connect, translated
from patchwatch.contract.errors import BusUnavailableError, ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import running_url

_TIMEOUT_S = 2.0


def redis_url(settings: Settings) -> str | None:
    """Of the installation's Redis; None where no service runs with this data folder."""
    return settings.redis_url.get_secret_value() if settings.redis_url is not None else running_url(settings)


def stored_camera(url: str, camera_id: str) -> bytes | None:
    """What is stored of a camera; None where the installation does not know it. Raises `BusUnavailableError`."""
    try:
        client: Any = connect(url, _TIMEOUT_S)
        with translated(), client:
            record: bytes | None = client.hget(keys.CAMERAS, camera_id)
    except (ConfigurationError, redis.RedisError) as error:
        raise BusUnavailableError(f"Redis does not answer ({type(error).__name__})") from None
    return record
