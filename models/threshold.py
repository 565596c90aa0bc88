"""The event rule of a camera, from its held-out normal scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.calibration import TAIL_RARITY, score_of
from models.event import EventRule

FALSE_ALARMS_PER_DAY = 4.0
_DAY_S = 86_400.0
_BLOCKS = 24  # maxima of about this many stretches of the footage are looked at ...
_BLOCK_S = (1.0, 30.0)  # ... each of a length within these bounds
_OFF_OF_ON = 0.75
_LEAST_ON = score_of(TAIL_RARITY)  # below, `off` could fall under the usual score: an event would never close
_EULER = 0.5772156649015329

Run = tuple[NDArray[np.float64], NDArray[np.float64]]


def event_rule(runs: Sequence[Run], false_alarms_per_day: float = FALSE_ALARMS_PER_DAY) -> EventRule:
    """Thresholds for about so many false alarms a day, and none on the held-out footage itself.

    ``runs``: per unbroken run of held-out frames, times in seconds (n,) and smoothed scores (n,). What counts is the
    level that a score sustains for the rule's minimum duration. Its maxima over stretches of footage follow a Gumbel
    law (Fisher & Tippett 1928), fitted by moments on the odds of the score, where the tail is nearest to exponential;
    ``on`` is its return level. The extrapolation is as good as the footage is long and typical.
    """
    rule = EventRule(on=1.0, off=1.0)
    length_s = sum(float(times[-1] - times[0]) for times, _ in runs)
    block_s = float(np.clip(length_s / _BLOCKS, *_BLOCK_S))
    maxima = np.array([level for run in runs for level in _block_maxima(run, rule.min_duration_s, block_s)])
    odds = maxima / (1.0 - maxima)
    scale = float(odds.std(ddof=1)) * math.sqrt(6.0) / math.pi if len(odds) > 1 else 0.0
    level = float(odds.mean()) - _EULER * scale + scale * math.log(max(1.0, _DAY_S / (false_alarms_per_day * block_s)))
    level = max(level, float(odds.max()))
    on = max(_LEAST_ON, float(np.nextafter(level / (1.0 + level), 1.0)))
    return EventRule(on=on, off=_OFF_OF_ON * on)


def _block_maxima(run: Run, duration_s: float, block_s: float) -> list[float]:
    times, scores = run
    sustained = _sustained(times, scores, duration_s)
    blocks = ((times - times[0]) // block_s).astype(int)
    return [float(sustained[blocks == block].max()) for block in np.unique(blocks)]


def _sustained(times: NDArray[np.float64], scores: NDArray[np.float64], duration_s: float) -> NDArray[np.float64]:
    """At each time the lowest score since ``duration_s`` before: an event opens there if that level is high enough."""
    starts = np.searchsorted(times, times - duration_s + 1e-3, side="right") - 1
    return np.array([scores[start : n + 1].min() if start >= 0 else 0.0 for n, start in enumerate(starts)])
