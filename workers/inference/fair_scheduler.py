"""How the scoring thread's time is shared: which engine's cameras are next, and how many of their frames."""

from __future__ import annotations

import math
import time

_REMEMBER_S = 5.0  # time constant in which used time is forgotten
_TURN_SHARE = 0.25  # of the age at which frames are dropped: the longest turn, as all others wait for it
_BLEND = 0.3  # of a new measurement of the cost
_FIRST_FRAMES = 4  # a turn of an engine whose cost is not known yet


class FairScheduler:
    """Shares time, not frames, among the engines: one of 150 ms a frame does not hold up one of 2 ms.

    The engine that recently used the least time per camera is next; a turn is as many frames as its measured cost lets
    it score within a quarter of ``max_age_s``. Each engine waits for at most one turn of every other, and none starves.
    An engine's first turn is not charged: it sets up libraries, which says nothing about the next. Engines are known by
    name.
    """

    def __init__(self, batch_frames: int, max_age_s: float) -> None:
        self._batch_frames = batch_frames
        self._max_age_s = max_age_s
        self._cost_s: dict[str, float] = {}  # of a frame
        self._used_s: dict[str, float] = {}  # recently
        self._warm: set[str] = set()
        self._recorded_s = time.monotonic()

    def order(self, cameras: dict[str, int]) -> list[str]:
        """The engines in the order in which they should have their turns. ``cameras``: how many each engine has."""
        return sorted(cameras, key=lambda engine: self._used_s.get(engine, 0.0) / cameras[engine])

    def turn_frames(self, engine: str) -> int:
        """Most frames of one turn; at least 1."""
        if engine not in self._cost_s:
            return min(_FIRST_FRAMES, self._batch_frames)
        within = self._max_age_s * _TURN_SHARE / max(1e-6, self._cost_s[engine])
        return max(1, min(self._batch_frames, int(within)))

    def timely_frames(self, engine: str, cameras: int) -> int:
        """How many frames of each of its cameras an engine can score before they are half as old as they may be."""
        if engine not in self._cost_s:
            return self._batch_frames
        return max(1, int(self._max_age_s / 2 / max(1e-6, self._cost_s[engine] * cameras)))

    def record_cost(self, engine: str, frames: int, seconds: float) -> None:
        """A turn that scored so many frames took so long."""
        if frames and engine not in self._warm:
            self._warm.add(engine)
            return
        now_s = time.monotonic()
        faded = math.exp((self._recorded_s - now_s) / _REMEMBER_S)
        self._used_s = {name: used_s * faded for name, used_s in self._used_s.items()}
        self._used_s[engine] = self._used_s.get(engine, 0.0) + seconds
        self._recorded_s = now_s
        if frames:
            cost_s = seconds / frames
            self._cost_s[engine] = (1 - _BLEND) * self._cost_s.get(engine, cost_s) + _BLEND * cost_s
