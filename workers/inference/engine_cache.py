"""Engines by profile, loaded in the background: a camera waiting for its networks does not hold up the others."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from models.engine.engine import Engine
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from workers.analysis.engine_loader import load_engine

_RETRY_AFTER_S = 15.0  # missing weights may be pulled while the worker runs


class EngineCache:
    """One engine per profile name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-loader")
        self._loading: dict[str, Future[Engine]] = {}
        self._errors: dict[str, PatchwatchError] = {}
        self._retry_at_s: dict[str, float] = {}

    def get(self, profile: str) -> Engine | None:
        """The engine, or None while it loads for the first time. Raises the exception that loading it raised last; a
        failed load is tried again in the background after a while."""
        if profile not in self._loading or time.monotonic() >= self._retry_at_s.get(profile, float("inf")):
            self._loading[profile] = self._pool.submit(self._load, profile)
            self._retry_at_s.pop(profile, None)
        future = self._loading[profile]
        if future.done():
            try:
                engine = future.result()
            except PatchwatchError as error:
                self._errors[profile] = error
                self._retry_at_s.setdefault(profile, time.monotonic() + _RETRY_AFTER_S)
            else:
                self._errors.pop(profile, None)
                return engine
        if profile in self._errors:
            raise self._errors[profile]
        return None

    def prepare(self, profiles: Iterable[str]) -> None:
        """Load what is not loaded yet, also for cameras that other workers score now, so that one of them which moves
        here goes on at once. What cannot be loaded is reported where it is needed."""
        for profile in profiles:
            with suppress(PatchwatchError):
                self.get(profile)

    def ready(self, profiles: Iterable[str]) -> bool:
        """Whether each is loaded, or failed to load; starts to load the others."""
        wanted = set(profiles)
        self.prepare(wanted)
        return all(profile in self._errors or self._loading[profile].done() for profile in wanted)

    @property
    def failed_graphs(self) -> int:
        """Batch sizes that run slower because they could not be recorded as CUDA graphs."""
        return sum(engine.failed_graphs for engine in self._loaded())

    @property
    def eager_pictures(self) -> int:
        """Pictures that ran without a CUDA graph where there should have been one."""
        return sum(engine.eager_pictures for engine in self._loaded())

    def _loaded(self) -> list[Engine]:
        done = [future for future in self._loading.values() if future.done()]
        return [future.result() for future in done if not future.cancelled() and future.exception() is None]

    def _load(self, profile: str) -> Engine:
        """With everything that a first batch would wait for, so that it does not distort the measured cost."""
        engine = load_engine(self._settings, profile)
        engine.prepare(self._settings.batch_frames)
        return engine

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
