"""How many frames a second are analysed: fewer while the analysis cannot keep up, before any has to be dropped."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

_LOWER_AT = 0.25  # of the time a frame may wait: what waits then still has to be analysed, at half the pace
_RAISE_BELOW = 0.12
_LOOKS = 2  # in a row that must agree: a batch, or a worker that has just started, is no overload
_CATCHES_UP = 1.05  # times the rate: an analysis that manages more catches up with what waits
_CAPACITY_LOOKS = 4  # over which it is measured how many frames a second the analysis manages
_CALM_S = 30.0  # without waiting frames, before a higher rate is tried
_CALM_MAX_S = 900.0
_HELD_S = 120.0  # a raised rate that lasts this long was no mistake


@dataclass(frozen=True, slots=True)
class LoadSample:
    """What is to be seen of the analysis at one moment. ``waiting_s``: age of the oldest frame that waits for it, 0
    without any. ``decided``: how many frames it has scored or dropped since the look before."""

    waiting_s: float
    decided: int


class AdaptiveRate:
    """The configured rate, halved step by step down to ``floor_fps`` while frames wait too long, and raised again.

    ``patience_s``: how long a frame may wait before it is dropped. Only an analysis that makes progress, and too little
    of it, is overloaded: with none at all (no worker, networks being loaded) fewer frames would help nobody. A rate
    is judged by frames that were sampled at it. One that was raised in vain is tried again after twice the time, so
    that it does not swing.
    """

    def __init__(self, configured_fps: float, floor_fps: float, patience_s: float) -> None:
        self._configured_fps = configured_fps
        self._floor_fps = floor_fps
        self._patience_s = patience_s
        self._halvings = 0
        self._over = 0  # looks in a row
        self._looks: deque[tuple[float, int]] = deque(maxlen=_CAPACITY_LOOKS + 1)  # (now_s, decided)
        self._progress_s = float("-inf")
        self._changed_s = float("-inf")
        self._raised_s = float("-inf")
        self._calm_since_s: float | None = None
        self._failures: Counter[int] = Counter()  # by halvings: how often that rate was raised to in vain

    @property
    def fps(self) -> float:
        return self._configured_fps / (1 << self._halvings)

    @property
    def lowered(self) -> bool:
        return self._halvings > 0

    def look(self, look: LoadSample, now_s: float) -> bool:
        """Take a look, about once a second of monotonic ``now_s``, into account; returns whether `fps` changed."""
        self._looks.append((now_s, look.decided))
        if look.decided:
            self._progress_s = now_s
        sampled_at_this_rate = now_s - look.waiting_s > self._changed_s
        over = look.waiting_s >= _LOWER_AT * self._patience_s and sampled_at_this_rate
        self._over = self._over + 1 if over else 0
        if look.waiting_s > _RAISE_BELOW * self._patience_s:
            self._calm_since_s = None
        elif self._calm_since_s is None:
            self._calm_since_s = now_s
        return self._lower(now_s) or self._raise(now_s)

    def _lower(self, now_s: float) -> bool:
        alive = now_s - self._progress_s <= self._patience_s
        if self._over < _LOOKS or not alive or self.fps / 2 < self._floor_fps:
            return False
        capacity_fps = self._capacity_fps()
        if capacity_fps > _CATCHES_UP * self.fps:
            return False
        if now_s - self._raised_s < _HELD_S:
            self._failures[self._halvings] += 1
        self._halvings += 1
        while self.fps > capacity_fps and self.fps / 2 >= self._floor_fps:
            self._halvings += 1
        self._changed_s = now_s
        self._over = 0
        return True

    def _capacity_fps(self) -> float:
        """What the analysis manages while frames wait for it."""
        elapsed_s = self._looks[-1][0] - self._looks[0][0]
        return sum(decided for _, decided in list(self._looks)[1:]) / elapsed_s if elapsed_s > 0 else 0.0

    def _raise(self, now_s: float) -> bool:
        if not self._halvings or self._calm_since_s is None or now_s - self._progress_s > self._patience_s:
            return False
        calm_s = min(_CALM_MAX_S, _CALM_S * 2.0 ** min(self._failures[self._halvings - 1], 10))
        if now_s - max(self._calm_since_s, self._changed_s) < calm_s:
            return False
        self._halvings -= 1
        self._changed_s = self._raised_s = now_s
        return True
