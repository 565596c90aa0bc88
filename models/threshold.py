"""The event rule of a camera, from its held-out normal scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.event import EventRule

_MARGIN = 0.15  # of the way from the highest normal level to 1
_OFF_QUANTILE = 0.95
_OFF_BELOW_ON = 0.8


def event_rule(runs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> EventRule:
    """Thresholds that held-out normal footage would not have crossed, with a margin.

    ``runs``: per unbroken run of held-out frames, times in seconds (n,) and smoothed scores (n,). ``on`` lies above the
    highest level that any run sustained for the rule's minimum duration; ``off`` at the 95 % quantile, well below.
    """
    rule = EventRule(on=1.0, off=1.0)
    peak = max(_sustained_peak(times, scores, rule.min_duration_s) for times, scores in runs)
    on = peak + _MARGIN * (1.0 - peak)
    quantile = float(np.quantile(np.concatenate([scores for _, scores in runs]), _OFF_QUANTILE))
    return EventRule(on=on, off=min(quantile, _OFF_BELOW_ON * on))


def _sustained_peak(times: NDArray[np.float64], scores: NDArray[np.float64], duration_s: float) -> float:
    """Highest level that the scores kept for at least ``duration_s``."""
    best = 0.0
    for start in range(len(times)):
        stop = int(np.searchsorted(times, times[start] + duration_s))
        if stop < len(times):
            best = max(best, float(scores[start : stop + 1].min()))
    return best
