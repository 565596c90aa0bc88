"""Calibration of what seldom or never was there in normal footage: that it is there at all says most."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import MIN_VALUES, Calibration


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
