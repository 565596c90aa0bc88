"""Whether a live frame has waited so long that fresher frames matter more."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.messages.frame import FrameMessage

_MOST_OBSERVATIONS = 64
_LEAST_APART_S = 0.1  # between two observations that are kept


class Arrivals:
    """Remembers how far a camera's queue reached at each reading, so that no wall clock is needed to say how long a
    frame can have waited. ``now_s`` is monotonic."""

    def __init__(self) -> None:
        self._observations: deque[tuple[float, int]] = deque(maxlen=_MOST_OBSERVATIONS)  # (now_s, newest number)

    def observe(self, newest_seq: int, now_s: float) -> None:
        """There was no frame beyond this sequence number."""
        if self._observations and now_s - self._observations[-1][0] < _LEAST_APART_S:
            return
        self._observations.append((now_s, newest_seq))

    def waited_at_most_s(self, seq: int, now_s: float) -> float:
        """Infinity for a frame that may always have been in the queue."""
        absent = (at_s for at_s, newest in reversed(self._observations) if newest < seq)
        return now_s - next(absent, float("-inf"))


class FrameAge:
    """Judges a frame by what is known without any wall clock, where that suffices: how late it was when it was
    captured, and how long it can have been in the queue. Only a frame that may be older is judged by its timestamp, on
    the clock of Redis.
    """

    def __init__(self, client: Any, max_age_s: float, clock: BusClock | None = None) -> None:
        self.clock = clock or BusClock()
        self._client = client
        self._max_age_s = max_age_s

    def is_too_old(self, arrivals: Arrivals, message: FrameMessage) -> bool:
        """``arrivals``: of the frame's camera. Raises `BusUnavailableError`."""
        if not message.live:
            return False
        waited_s = arrivals.waited_at_most_s(message.seq, time.monotonic())
        if message.late_ms / 1000 + waited_s <= self._max_age_s:
            return False
        with translated():
            self.clock.sync(self._client)
        return self.clock.now_ns() - message.captured_at_ns > self._max_age_s * 1e9
