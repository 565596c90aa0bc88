"""Evicts data when Redis is full, so that the commits which free its memory can go on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from patchwatch.bus.connection import translated
from patchwatch.contract.bounds import counted
from workers.inference.camera_state import CameraState

_KEPT_SHARE = 0.9
log = logging.getLogger(__name__)


class MemoryPressure:
    """Redis at its ``maxmemory`` still deletes. Frames that wait to be scored are never evicted: the captures of live
    cameras shorten their own queues, and files must lose nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def evict(self, states: Iterable[CameraState]) -> bool:
        """Delete the frames that are scored already and kept as history; where none are left, the oldest tenth of the
        scores, which remain as minutes. Returns whether anything was freed. Raises `BusUnavailableError`."""
        cameras = list(states)
        with translated():
            if any([self._evict_history(state) for state in cameras]):
                return True
            freed = sum(self._evict_oldest_scores(state) for state in cameras)
        if freed:
            log.warning("Redis is full: the %d oldest scores were deleted to go on scoring; give it more memory", freed)
        return bool(freed)

    def _evict_history(self, state: CameraState) -> int:
        committed = counted(self._client.hget(state.keys.state, "seq"))
        return int(self._client.xtrim(state.keys.frames, minid=f"{committed + 1}-0", approximate=False))

    def _evict_oldest_scores(self, state: CameraState) -> int:
        return sum(self._evict_oldest(key) for key in (state.keys.scores, state.keys.high_scores))

    def _evict_oldest(self, key: str) -> int:
        kept = int(self._client.xlen(key) * _KEPT_SHARE)
        return int(self._client.xtrim(key, maxlen=kept, approximate=True))
