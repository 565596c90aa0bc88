"""Calibration: how rare a distance is among held-out normal footage of the same camera, by distribution or by rank."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import InsufficientFootageError

_LEVELS = 512  # quantiles kept of the body
_TAIL = 0.05  # share of the normal values that the tail is fitted on
TAIL_RARITY = -math.log10(_TAIL)
_NOTHING = 1e-200  # no distance: the steps between such levels are too small to divide by
MIN_VALUES = 20
NEUTRAL_RARITY = math.log10(2.0)  # of the median normal value: neither calm nor strange
HALF_SCORE_RARITY = 3.0  # a frame that one in a thousand normal frames reaches scores 0.5


@dataclass(frozen=True)
class Calibration:
    """Distribution of a value over held-out normal frames.

    ``levels``: float64 (n,), sorted, equally spaced quantiles from 0 to 1. ``tail_from`` is the quantile ``1 - 0.05``
    and ``tail_scale`` the mean excess above it: beyond, the distribution goes on as an exponential (the generalised
    Pareto tail of shape 0, Pickands 1975), so that rarities go on rising where normal footage ends.
    """

    levels: NDArray[np.float64]
    tail_from: float
    tail_scale: float

    def __post_init__(self) -> None:
        if self.levels.ndim != 1 or not len(self.levels) or not np.isfinite(self.levels).all():
            raise ValueError("calibration levels must be finite, and there must be some")

    @classmethod
    def fit(cls, values: NDArray[np.float64], resolution: float = 0.0) -> Calibration:
        """Fit to held-out normal values (n,). Raises `InsufficientFootageError` for fewer than 20.

        ``resolution``: smallest difference of values that means anything. A value that never varies has no tail to
        measure; the smallest step above it must not count as a miracle.
        """
        if len(values) < MIN_VALUES:
            raise InsufficientFootageError(f"{len(values)} held-out normal values; calibration needs {MIN_VALUES}")
        if not np.isfinite(values).all():
            raise ValueError("calibration values must be finite")
        levels = np.quantile(values, np.linspace(0.0, 1.0, _LEVELS))
        levels[np.abs(levels) < _NOTHING] = 0.0
        tail_from = float(np.quantile(values, 1.0 - _TAIL))
        excess = values[values > tail_from] - tail_from
        smallest = max(resolution, 1e-6 * max(1.0, abs(tail_from)))
        return cls(levels, tail_from, max(float(excess.mean()) if len(excess) else 0.0, smallest))

    def rarity(self, value: float) -> float:
        """``-log10`` of the share of normal values above ``value``: 0.3 for the median, 1.3 where the tail begins,
        3 for one in a thousand, and so on without end. Of equal values half count as above: a picture that stands
        still is as usual as can be, not rare."""
        if value > self.tail_from:
            return TAIL_RARITY + (value - self.tail_from) / self.tail_scale * math.log10(math.e)
        shares = np.linspace(0.0, 1.0, len(self.levels))
        up_to, from_on = np.interp(value, self.levels, shares), np.interp(-value, -self.levels[::-1], shares)
        below = float(up_to + 1.0 - from_on) / 2.0
        return abs(math.log10(max(1.0 - below, _TAIL)))  # abs: the calmest is 0.0, not -0.0


def score_of(rarity: float) -> float:
    """Rarity (0..inf) to score (0..1): 0.5 for one in a thousand; never saturates, so far outliers stay ordered."""
    return rarity / (rarity + HALF_SCORE_RARITY)


def rarity_of(score: float) -> float:
    """Score (0..1, below 1) to rarity: the inverse of `score_of`."""
    return HALF_SCORE_RARITY * score / (1.0 - score)


@dataclass(frozen=True)
class RankCalibration:
    """Ranks among all held-out normal frames, those without a value counting as below.

    ``levels``: float64 (n,), sorted: the values of the frames that have one, infinite where there was nothing to
    measure them by. ``frames``: number of held-out frames, with and without a value.
    """

    levels: NDArray[np.float64]
    frames: int

    def __post_init__(self) -> None:
        if self.levels.ndim != 1 or np.isnan(self.levels).any() or len(self.levels) > self.frames:
            raise ValueError("calibration levels must be numbers, no more than there are frames")

    def rarity(self, value: float) -> float:
        """``-log10 ((k + 1) / (frames + 1))``, where ``k`` frames have at least this value.

        The rank of a new frame among exchangeable ones, as in conformal prediction (Vovk et al. 2005): what was never
        there in N frames has the rarity log10 (N + 1), and no more, however far it may be from anything.
        """
        above = len(self.levels) - int(np.searchsorted(self.levels, value, side="left"))
        return abs(math.log10((above + 1) / (self.frames + 1)))


AnyCalibration = Calibration | RankCalibration


def calibration_of(values: NDArray[np.float64], frames: int, resolution: float = 0.0) -> AnyCalibration:
    """The calibration that so many held-out values (n,) of ``frames`` frames can support.

    A distribution from 20 finite values on, whose tail is at least ``resolution`` wide; else ranks. Raises ValueError
    for NaN.
    """
    if np.isnan(values).any():
        raise ValueError("calibration values must be numbers")
    if len(values) >= MIN_VALUES and np.isfinite(values).all():
        return Calibration.fit(values, resolution)
    return RankCalibration(np.sort(values), frames)
