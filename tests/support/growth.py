"""How the time that a function takes grows with the length of what it is given."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from typing import Any

_START = 4_000  # characters
_LONGEST = 128_000
_MEASURABLE_S = 0.004
_TRIES = 3
_LINEAR = 2.0
_ROUNDS = 5  # until it is no more than linear


def growth_of(look: Callable[[Any], Any], make: Callable[[int], Any], *, size: int | None = None) -> float:
    """Time for twice the length over time for the length: 2 when linear, 4 when quadratic, 1 when bounded.

    The length is ``size``, or raised until the time can be measured; what is still too fast at the longest counts as
    linear then. The least of several tries is taken, so that a busy machine does not matter.
    """
    if size is not None:
        return _least_ratio(look, make, size, 1e-6)
    size = _START
    while size < _LONGEST and _least_s(look, make(size), 1) < _MEASURABLE_S:
        size *= 2
    return _least_ratio(look, make, size, _MEASURABLE_S / 4)


def _least_ratio(look: Callable[[Any], Any], make: Callable[[int], Any], size: int, least_s: float) -> float:
    least = math.inf
    for _ in range(_ROUNDS):
        least = min(least, _ratio(look, make, size, least_s))
        if least <= _LINEAR:
            break
    return least


def _ratio(look: Callable[[Any], Any], make: Callable[[int], Any], size: int, least_s: float) -> float:
    once_s = _least_s(look, make(size), _TRIES)
    return _least_s(look, make(2 * size), _TRIES) / max(once_s, least_s)


def _least_s(look: Callable[[Any], Any], given: Any, tries: int) -> float:
    gc.disable()  # it would be counted; to collect beforehand takes longer than all looks
    try:
        return min(seconds(look, given) for _ in range(tries))
    finally:
        gc.enable()


def seconds(look: Callable[[Any], Any], given: Any) -> float:
    """Processor time of one look."""
    start = time.thread_time()
    look(given)
    return time.thread_time() - start
