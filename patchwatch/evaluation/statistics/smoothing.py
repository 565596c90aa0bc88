"""How papers process scores afterwards: with frames yet to come and with other clips, which no live system has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.profiles.profile import SIGMA_S
from patchwatch.evaluation.statistics.metrics import Scores

_REACH = 4.0  # In sigmas, as for the causal smoothing.


def smooth_two_sided(
    at_s: NDArray[np.float64], samples_s: NDArray[np.float64], values: Scores, sigma_s: float = SIGMA_S
) -> Scores:
    """Gaussian kernel mean at each time over samples **before and after** it: it looks into the future.

    ``samples_s`` rises. Where no sample is within 4 sigma the nearest one counts; without any sample all is 0.
    """
    if not len(samples_s):
        return np.zeros(len(at_s))
    smoothed = np.empty(len(at_s))
    starts = np.searchsorted(samples_s, at_s - _REACH * sigma_s, side="left")
    stops = np.searchsorted(samples_s, at_s + _REACH * sigma_s, side="right")
    for n, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if start == stop:
            smoothed[n] = values[np.abs(samples_s - at_s[n]).argmin()]
            continue
        weights = np.exp(-0.5 * ((samples_s[start:stop] - at_s[n]) / sigma_s) ** 2)
        smoothed[n] = weights @ values[start:stop] / weights.sum()
    return smoothed


def normalise_over_set(clips: Sequence[Scores]) -> list[Scores]:
    """The lowest score of **all** clips becomes 0 and the highest 1: a testing clip's score depends on the others.

    All 0 where they do not differ.
    """
    everything = np.concatenate(clips)
    low, span = float(everything.min()), float(np.ptp(everything))
    return [(scores - low) / span if span > 0 else np.zeros(len(scores)) for scores in clips]
