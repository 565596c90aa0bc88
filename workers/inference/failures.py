"""Frames whose scoring raised what nobody foresaw: dropped, counted, and told of."""

from __future__ import annotations

import logging
import time

from patchwatch.messages.analysis_status import DropReason
from workers.inference.camera_state import CameraState

_TELL_EVERY_S = 60.0
log = logging.getLogger(__name__)


class Failures:
    """Logs a traceback once per camera and minute."""

    def __init__(self) -> None:
        self._told_s: dict[str, float] = {}
        self._failed_s: dict[str, float] = {}

    def drop(self, session: CameraState, seq: int, error: Exception) -> None:
        """Count a frame as failed."""
        session.drop(DropReason.FAILED)
        camera_id, now_s = session.camera.id, time.monotonic()
        self._failed_s[camera_id] = now_s
        if now_s - self._told_s.get(camera_id, float("-inf")) >= _TELL_EVERY_S:
            self._told_s[camera_id] = now_s
            log.error("%s: frame %d dropped, and others that fail within a minute", camera_id, seq, exc_info=error)

    def lately(self, camera_id: str) -> bool:
        """Whether a frame of it failed within the last minute: its frames are better not batched with others'."""
        return time.monotonic() - self._failed_s.get(camera_id, float("-inf")) < _TELL_EVERY_S
