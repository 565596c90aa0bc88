"""Whether a live frame has waited so long that fresher ones matter more."""

from __future__ import annotations

import time
from typing import Any

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.messages.frame import FrameMessage
from workers.inference.camera_state import CameraState


class FrameAge:
    """Judges by what is known without any wall clock, where that suffices: how late the frame was when it was captured,
    and since when it can have been in the queue. Only a frame that may be older is judged by its stamp, on Redis' time.
    """

    def __init__(self, client: Any, max_age_s: float, clock: BusClock | None = None) -> None:
        self.clock = clock or BusClock()
        self._client = client
        self._max_age_s = max_age_s

    def is_too_old(self, session: CameraState, message: FrameMessage) -> bool:
        """Raises `BusUnavailableError`."""
        if not message.live:
            return False
        waited_s = session.arrivals.waited_at_most_s(message.seq, time.monotonic())
        if message.late_ms / 1000 + waited_s <= self._max_age_s:
            return False
        with translated():
            self.clock.sync(self._client)
        return self.clock.now_ns() - message.captured_at_ns > self._max_age_s * 1e9
