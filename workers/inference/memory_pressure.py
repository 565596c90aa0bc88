"""What is given up when Redis is full, so that the commits that free its memory can go on."""

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
    """Redis at its ``maxmemory`` still deletes. Frames that wait to be scored are never touched here: the captures of
    live cameras shorten their own queues, files must lose nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def give_up(self, sessions: Iterable[CameraState]) -> bool:
        """Drop the frames that are scored already and kept as history; where there are none left, the oldest tenth of
        the scores, which remain as minutes. Returns whether anything was freed. Raises `BusUnavailableError`."""
        known = list(sessions)
        with translated():
            if any([self._history(session) for session in known]):
                return True
            freed = sum(self._oldest_scores(session) for session in known)
        if freed:
            log.warning("Redis is full: the %d oldest scores were given up; raise its memory", freed)
        return bool(freed)

    def _history(self, session: CameraState) -> int:
        committed = counted(self._client.hget(session.keys.state, "seq"))
        return int(self._client.xtrim(session.keys.frames, minid=f"{committed + 1}-0", approximate=False))

    def _oldest_scores(self, session: CameraState) -> int:
        kept = int(self._client.xlen(session.keys.scores) * _KEPT_SHARE)
        return int(self._client.xtrim(session.keys.scores, maxlen=kept, approximate=True))
