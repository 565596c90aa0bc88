"""The Redis of an installation for a command on its machine, whether its roles run or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import kept_queue, running_url


@contextmanager
def redis_at_hand(settings: Settings) -> Iterator[str]:
    """Address of the Redis of the settings, or of the `patchwatch serve` that runs here; or else of its server, started
    for now. Raises `ConfigurationError`."""
    if settings.redis_url is not None:
        yield settings.redis_url.get_secret_value()
        return
    if (url := running_url(settings)) is not None:
        yield url
        return
    with kept_queue(settings) as queue:
        yield queue.url
