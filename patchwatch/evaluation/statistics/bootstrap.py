"""Confidence intervals of areas under curves, by resampling the clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patchwatch.evaluation.statistics.metrics import Scores, Truth

RESAMPLES = 1000
_SEED = 0
_LOW, _HIGH = 2.5, 97.5

Interval = tuple[float, float]


class ClipBootstrap:
    """The percentile bootstrap (Efron & Tibshirani 1993) with clips as units: the frames of one clip are not
    independent. Seeded: equal scores give equal intervals.

    A resample draws as many clips as there are, with replacement; one in which an area is not defined is left out.
    """

    def __init__(self, scores: Sequence[Scores], truths: Sequence[Truth], resamples: int = RESAMPLES) -> None:
        self._ordered = _ordered_pairs(scores, truths)
        self._anomalous = np.array([truth.sum() for truth in truths], np.float64)
        self._normal = np.array([(~truth).sum() for truth in truths], np.float64)
        clips = len(truths)
        drawn = np.random.default_rng(_SEED).multinomial(clips, np.full(clips, 1.0 / clips), resamples)
        self._drawn = drawn.astype(np.float64)

    def micro(self) -> Interval | None:
        """95 % interval of the area over all frames; None with fewer than two clips."""
        ordered = ((self._drawn @ self._ordered) * self._drawn).sum(axis=1)
        pairs = (self._drawn @ self._anomalous) * (self._drawn @ self._normal)
        return self._interval(ordered, pairs, len(self._anomalous))

    def macro(self) -> Interval | None:
        """95 % interval of the mean area of the clips with both classes; None with fewer than two of those."""
        pairs = self._anomalous * self._normal
        both = pairs > 0
        areas = np.where(both, np.diag(self._ordered) / np.where(both, pairs, 1.0), 0.0)
        return self._interval(self._drawn @ areas, self._drawn @ both.astype(np.float64), int(both.sum()))

    def _interval(self, above: NDArray[np.float64], below: NDArray[np.float64], clips: int) -> Interval | None:
        defined = below > 0
        if clips < 2 or not defined.any():
            return None
        low, high = np.percentile(above[defined] / below[defined], [_LOW, _HIGH])
        return float(low), float(high)


def _ordered_pairs(scores: Sequence[Scores], truths: Sequence[Truth]) -> NDArray[np.float64]:
    """Counts (clips, clips) of pairs of an anomalous frame of clip i and a normal frame of clip j in the right order,
    where ties count half. The area of any choice of clips is a ratio of sums of these, so no resample needs to sort."""
    anomalous = [clip_scores[truth] for clip_scores, truth in zip(scores, truths, strict=True)]
    joined = np.concatenate(anomalous)
    clip_numbers = np.repeat(np.arange(len(anomalous)), [len(clip_anomalous) for clip_anomalous in anomalous])
    table = np.zeros((len(anomalous), len(anomalous)))
    for position, (clip_scores, truth) in enumerate(zip(scores, truths, strict=True)):
        normal = np.sort(clip_scores[~truth])
        below = np.searchsorted(normal, joined, side="left") + np.searchsorted(normal, joined, side="right")
        table[:, position] = np.bincount(clip_numbers, weights=below / 2.0, minlength=len(anomalous))
    return table
