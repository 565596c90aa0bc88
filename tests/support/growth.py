"""How the time that a function takes grows with its input."""

from __future__ import annotations

import time
from collections.abc import Callable

_ROUNDS = 5  # other programs on the machine disturb caches and clocks: the least of several is the truest


def growth(work: Callable[[int], object], size: int) -> float:
    """Time for twice ``size`` over the time for ``size``: 2 when linear, 4 when quadratic, 1 when bounded."""
    return min(_least_s(work, 2 * size) / _least_s(work, size) for _ in range(_ROUNDS))


def _least_s(work: Callable[[int], object], size: int) -> float:
    times: list[float] = []
    for _ in range(3):
        began_s = time.thread_time()
        work(size)
        times.append(time.thread_time() - began_s)
    return max(min(times), 1e-6)
