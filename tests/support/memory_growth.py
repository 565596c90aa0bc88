"""Whether the memory of processes grows: a leak is told from warm-up, and a run that is too short from both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from memory import Life
from numpy.typing import NDArray

LEAK_MIB = 0.1  # a minute: a run tells whether there is such a leak, or that it is too short to tell
_STEP_MIB = 0.5  # what one table of an interpreter that doubles takes at once, at any time of a life
_STEP_AS_SLOPE = 1.5  # the slope of a line through a step in the middle, in steps a life
_LEAST_MINUTES = 4  # of a life, to count
_WARM_UPS_S = (20.0, 40.0, 60.0, 90.0, 120.0, 180.0, 240.0)  # time constants
_WARM_WITHIN = 0.25  # of the longest life: a warm-up that lasts longer is not told from a leak
_CORRELATED_MIN = 3  # minutes over which errors hang together
_Z = 2.576  # 99 %, two-sided


class Verdict(StrEnum):
    """What a run says about a kind of process."""

    STEADY = "steady"  # it leaks less than `LEAK_MIB`
    GROWS = "grows"  # it leaks, by more than noise
    TOO_SHORT = "too short to tell"


@dataclass(frozen=True)
class Growth:
    """Common growth of all processes of a kind once they are warm, in MiB a minute, with a 99 % interval.

    ``warm_up_mib``: what they take beside it after their start, most of it within twice ``warm_up_s``.
    """

    per_minute_mib: float
    low_mib: float
    high_mib: float
    warm_up_mib: float
    warm_up_s: float
    processes: int
    minutes: int
    longest_minutes: float

    @property
    def noise_mib(self) -> float:
        """A minute: what a single step in the longest life may look like. In 15 minutes 0.05, in an hour 0.0125."""
        return _STEP_AS_SLOPE * _STEP_MIB / self.longest_minutes

    @property
    def verdict(self) -> Verdict:
        if self.low_mib > self.noise_mib:
            return Verdict.GROWS
        return Verdict.STEADY if self.high_mib < LEAK_MIB else Verdict.TOO_SHORT


@dataclass(frozen=True)
class _Fit:
    warm_up_s: float
    parts: list[NDArray[np.float64]]  # per life (minutes, 2): age in minutes and state of the warm-up, without means
    residuals: list[NDArray[np.float64]]
    slopes: NDArray[np.float64]  # (2,)

    @property
    def error(self) -> float:
        return sum(float(part @ part) for part in self.residuals)


def growth(lives: Sequence[Life]) -> Growth | None:
    """What the lives (see `memory.minute_lows`) of a kind have in common; None where they are too short for any.

    Each life is a level of its own + warm-up * (1 - exp(-age / constant)) + growth * age, by least squares. The
    interval allows for errors that hang together over minutes (Newey and West, Econometrica 1987) and for few minutes.
    """
    lives = [life for life in lives if len(life) >= _LEAST_MINUTES]
    if not lives:
        return None
    longest_s = max(float(life[-1, 0]) for life in lives)
    constants = [one for one in _WARM_UPS_S if one <= _WARM_WITHIN * longest_s] or _WARM_UPS_S[:1]
    fit = min((_fitted(lives, one) for one in constants), key=lambda one: one.error)
    minutes = sum(map(len, lives))
    margin = _quantile(minutes - len(lives) - 3) * math.sqrt(max(0.0, _variance(fit, minutes)))
    rate, warm_up = (float(slope) for slope in fit.slopes)
    middle, low, high, warm = (round(value, 4) for value in (rate, rate - margin, rate + margin, warm_up))
    return Growth(middle, low, high, warm, fit.warm_up_s, len(lives), minutes, round(longest_s / 60, 1))


def _fitted(lives: Sequence[Life], warm_up_s: float) -> _Fit:
    parts = [_centred(np.column_stack([life[:, 0] / 60, -np.exp(-life[:, 0] / warm_up_s)])) for life in lives]
    levels = [_centred(life[:, 1]) for life in lives]
    slopes = np.linalg.lstsq(np.vstack(parts), np.concatenate(levels), rcond=None)[0]
    return _Fit(warm_up_s, parts, [mib - part @ slopes for part, mib in zip(parts, levels, strict=True)], slopes)


def _variance(fit: _Fit, minutes: int) -> float:
    """Of the growth."""
    bread = np.linalg.pinv(sum(part.T @ part for part in fit.parts))
    meat = np.zeros_like(bread)
    for part, rest in zip(fit.parts, fit.residuals, strict=True):
        pull = part * rest[:, None]
        meat += pull.T @ pull
        for lag in range(1, min(_CORRELATED_MIN, len(pull) - 1) + 1):
            shared = pull[lag:].T @ pull[:-lag]
            meat += (1 - lag / (_CORRELATED_MIN + 1)) * (shared + shared.T)
    correction = minutes / max(1, minutes - len(fit.parts) - 3)
    return float(correction * (bread @ meat @ bread)[0, 0])


def _quantile(freedom: int) -> float:
    """Of Student's t, 99 % two-sided (Cornish and Fisher's first term)."""
    return _Z * (1 + (_Z**2 + 1) / (4 * max(1, freedom)))


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(axis=0), np.float64)
