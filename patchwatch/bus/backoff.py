"""Exponential backoff with jitter: how long to wait after the n-th failure in a row."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

_MOST_DOUBLINGS = 30  # a power of two beyond this only risks an overflow


def no_jitter() -> float:
    """Exactly the pause: for waits that nobody else shares."""
    return 1.0


def late_jitter() -> float:
    """Only ever later: for sources that ask us to keep a least distance between attempts."""
    return random.uniform(1.0, 1.25)


def even_jitter() -> float:
    """Around the nominal delay."""
    return random.uniform(0.75, 1.25)


@dataclass(frozen=True)
class Backoff:
    """Delays double from ``least_s`` to ``most_s``. ``jitter`` returns a factor, so that many do not retry at once."""

    least_s: float
    most_s: float
    jitter: Callable[[], float] = no_jitter

    def delay_s(self, failures: int) -> float:
        """The delay before the next attempt, when ``failures`` went before the one that has just failed."""
        most_s = max(self.least_s, self.most_s)
        return min(most_s, self.least_s * 2.0 ** min(failures, _MOST_DOUBLINGS)) * self.jitter()


class RestartBackoff:
    """Counts runs that ended. It starts over only after one of ``stable_after_s``.

    A short success does not reset it: a camera that accepts a connection and drops it would be hammered.
    """

    def __init__(self, backoff: Backoff, stable_after_s: float) -> None:
        self._backoff = backoff
        self._stable_after_s = stable_after_s
        self._failures = 0

    def delay_after(self, ran_s: float) -> float:
        """Seconds to wait after a run of ``ran_s``."""
        if ran_s >= self._stable_after_s:
            self._failures = 0
        delay_s = self._backoff.delay_s(self._failures)
        self._failures += 1
        return delay_s
