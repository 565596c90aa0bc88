"""Scores of normal footage with known tails: rarities that last some seconds, smoothed as the method does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from models.alarms.calibration import HALF_SCORE_RARITY

FPS = 5
_SIGMA_S = 0.68  # of the smoothing
_LASTS_S = 3.0  # memory of the underlying Gaussian process
_LAGS_S = np.arange(0.0, 4 * _SIGMA_S, 1 / FPS)
_KERNEL = np.exp(-0.5 * (_LAGS_S / _SIGMA_S) ** 2)

Array = NDArray[np.float64]
# From the negative logarithm of a uniform variable, which is exponential, to rarities with another tail.
TAILS: dict[str, Callable[[Array], Array]] = {
    "exponential": lambda e: e / math.log(10),
    "heavy": lambda e: np.expm1(0.25 * e) / 0.25 / math.log(10),
    "bounded": lambda e: -1.3 * np.expm1(-0.25 * e) / 0.25 / math.log(10),
}


def simulated_run(tail: str, seconds: float, seed: int) -> tuple[Array, Array]:
    """Times and smoothed scores at 5 fps."""
    noise = np.random.default_rng(seed).normal(size=int(seconds * FPS))
    kept = math.exp(-1 / (_LASTS_S * FPS))
    latent = lfilter([math.sqrt(1 - kept**2)], [1, -kept], noise)
    rarity = TAILS[tail](-norm.logsf(latent))
    scores = lfilter(_KERNEL / _KERNEL.sum(), [1], rarity / (rarity + HALF_SCORE_RARITY))
    return np.arange(len(noise)) / FPS, scores
