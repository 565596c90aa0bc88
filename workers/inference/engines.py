"""Engines by profile, loaded in the background: a camera waiting for its networks does not hold up the others."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

from models.engine import Engine
from patchwatch.errors import PatchwatchError
from patchwatch.settings import Settings
from workers.offline import load_engine

_RETRY_AFTER_S = 15.0  # missing weights may be pulled while the worker runs


class Engines:
    """One engine per profile name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-loader")
        self._loading: dict[str, Future[Engine]] = {}
        self._failed_at_s: dict[str, float] = {}

    def get(self, profile: str) -> Engine | None:
        """The engine, or None while it loads. Raises what loading it raised; tries again after a while."""
        if profile in self._failed_at_s and time.monotonic() - self._failed_at_s[profile] > _RETRY_AFTER_S:
            del self._loading[profile], self._failed_at_s[profile]
        if profile not in self._loading:
            self._loading[profile] = self._pool.submit(load_engine, self._settings, profile)
        future = self._loading[profile]
        if not future.done():
            return None
        try:
            return future.result()
        except PatchwatchError:
            self._failed_at_s.setdefault(profile, time.monotonic())
            raise

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
