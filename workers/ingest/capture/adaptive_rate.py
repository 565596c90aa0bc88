"""How many frames a second are analysed: fewer while the analysis cannot keep up, before any have to be dropped."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass

import redis

from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import BusUnavailableError

SAMPLE_EVERY_S = 1.0
# Both as shares of the time that a frame may wait. At the first, the frames that wait still have to be analysed, at
# half the rate.
_LOWER_AT = 0.25
_RAISE_BELOW = 0.12
_SAMPLES = 2  # So many in a row must agree: one batch, or a worker that has just started, is not an overload.
_CATCHES_UP = 1.05  # An analysis that manages so many times the rate catches up with the backlog.
_CAPACITY_SAMPLES = 4  # The analysis's throughput is measured over so many samples.
_CALM_S = 30.0  # Time without a backlog before a higher rate is tried.
_CALM_MAX_S = 900.0
_HELD_S = 120.0  # A raised rate that lasts this long was not a mistake.


@dataclass(frozen=True, slots=True)
class LoadSample:
    """The analysis's load at one moment. ``waiting_s``: age of the oldest frame that waits for it, 0 without any.
    ``decided``: how many frames it has scored or dropped since the previous sample."""

    waiting_s: float
    decided: int


class Backlog:
    """A camera's frames that wait for analysis. Remembers when frames were published and asks Redis, once a second, how
    far the analysis has come. One thread."""

    def __init__(self, client: redis.Redis, keys: CameraKeys, queue_frames: int) -> None:
        self._client = client
        self._keys = keys
        self._waiting: deque[tuple[int, float]] = deque(maxlen=queue_frames)  # (seq, monotonic seconds)
        self._committed: int | None = None
        self._due_s = 0.0

    def add(self, seq: int) -> None:
        """A frame was published."""
        self._waiting.append((seq, time.monotonic()))

    def sample(self) -> LoadSample | None:
        """None when it is not time yet, or Redis does not answer."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return None
        self._due_s = now_s + SAMPLE_EVERY_S
        try:
            with translated():
                committed = int(self._client.hget(self._keys.state, "seq") or 0)
        except BusUnavailableError:
            return None
        while self._waiting and self._waiting[0][0] <= committed:
            self._waiting.popleft()
        decided = max(0, committed - self._committed) if self._committed is not None else 0
        self._committed = committed
        return LoadSample(now_s - self._waiting[0][1] if self._waiting else 0.0, decided)


class AdaptiveRate:
    """The configured rate, halved step by step down to ``floor_fps`` while frames wait too long, and raised again.

    ``patience_s``: how long a frame may wait before it is dropped. The rate is lowered only while the analysis makes
    some progress: with none (no worker, networks being loaded) fewer frames would not help. A rate is judged by frames
    that were sampled at it. After a raise that failed, the next one waits twice as long, so that the rate does not
    oscillate.
    """

    def __init__(self, configured_fps: float, floor_fps: float, patience_s: float) -> None:
        self._configured_fps = configured_fps
        self._floor_fps = floor_fps
        self._patience_s = patience_s
        self._halvings = 0
        self._overloaded = 0  # Samples in a row.
        self._decided: deque[tuple[float, int]] = deque(maxlen=_CAPACITY_SAMPLES + 1)  # (now_s, decided)
        self._progress_s = float("-inf")
        self._changed_s = float("-inf")
        self._raised_s = float("-inf")
        self._calm_since_s: float | None = None
        self._failures: Counter[int] = Counter()  # By halvings: how often a raise to that rate failed.

    @property
    def fps(self) -> float:
        return self._configured_fps / self.one_in

    @property
    def one_in(self) -> int:
        """Of so many frames at the configured rate one is analysed."""
        return 1 << self._halvings

    def observe(self, sample: LoadSample, now_s: float) -> bool:
        """Adapt to a sample, taken about once a second of monotonic ``now_s``; returns whether `fps` changed."""
        self._decided.append((now_s, sample.decided))
        if sample.decided:
            self._progress_s = now_s
        sampled_at_this_rate = now_s - sample.waiting_s > self._changed_s
        overloaded = sample.waiting_s >= _LOWER_AT * self._patience_s and sampled_at_this_rate
        self._overloaded = self._overloaded + 1 if overloaded else 0
        if sample.waiting_s > _RAISE_BELOW * self._patience_s:
            self._calm_since_s = None
        elif self._calm_since_s is None:
            self._calm_since_s = now_s
        return self._lower(now_s) or self._raise(now_s)

    def _lower(self, now_s: float) -> bool:
        progresses = now_s - self._progress_s <= self._patience_s
        if self._overloaded < _SAMPLES or not progresses or self.fps / 2 < self._floor_fps:
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
        self._overloaded = 0
        return True

    def _capacity_fps(self) -> float:
        """The analysis's throughput while frames wait for it."""
        elapsed_s = self._decided[-1][0] - self._decided[0][0]
        return sum(decided for _, decided in list(self._decided)[1:]) / elapsed_s if elapsed_s > 0 else 0.0

    def _raise(self, now_s: float) -> bool:
        if not self._halvings or self._calm_since_s is None or now_s - self._progress_s > self._patience_s:
            return False
        calm_s = min(_CALM_MAX_S, _CALM_S * 2.0 ** min(self._failures[self._halvings - 1], 10))
        if now_s - max(self._calm_since_s, self._changed_s) < calm_s:
            return False
        self._halvings -= 1
        self._changed_s = self._raised_s = now_s
        return True
