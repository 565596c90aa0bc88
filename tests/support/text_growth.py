"""How the time of a function grows with the length of what it is given."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

_START = 4_000  # characters
_LONGEST = 128_000
_MEASURABLE_S = 0.004
_TRIES = 3


def growth_of(look: Callable[[Any], Any], make: Callable[[int], Any]) -> float:
    """Time for twice the length over time for the length: 2 where it is linear, 4 where it is quadratic.

    The length is raised until the time can be measured; what is still too fast at the longest counts as linear. The
    least of several tries is taken, so that a busy machine does not matter.
    """
    size = _START
    while size < _LONGEST and _least_s(look, make(size), 1) < _MEASURABLE_S:
        size *= 2
    once = _least_s(look, make(size), _TRIES)
    return _least_s(look, make(2 * size), _TRIES) / max(once, _MEASURABLE_S / 4)


def _least_s(look: Callable[[Any], Any], given: Any, tries: int) -> float:
    gc.collect()
    return min(seconds(look, given) for _ in range(tries))


def seconds(look: Callable[[Any], Any], given: Any) -> float:
    """Processor time of one look."""
    start = time.thread_time()
    look(given)
    return time.thread_time() - start
