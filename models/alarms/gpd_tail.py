"""The tail of a distribution beyond the values observed: generalised Pareto, with all shapes and scales that fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import inv_boxcox

from models.alarms.calibration import HALF_SCORE_RARITY

_SHAPES = np.linspace(-0.5, 0.5, 21)
_SHAPE_SPREAD = 0.2  # normal prior of the shape about 0, the exponential tail; chosen by bench/threshold.py
_SCALES = np.geomspace(0.1, 12.0, 48)  # of the mean excess
# Of odds, whose tail is exponential in rarity (`models.alarms.calibration`): what is expected where no event was seen,
# and the less the more were seen. A few events that happen to be alike must not make their level a certainty.
_USUAL_EXCESS = math.log10(math.e) / HALF_SCORE_RARITY
_NEGLIGIBLE = 1e-5  # weight of a pair of parameters
_LEAST_SHARE = 1e-250  # keeps divisions by a share finite


@dataclass(frozen=True)
class GpdTail:
    """Generalised Pareto tail above ``start``, on which ``events`` values lie (Pickands 1975; Balkema & de Haan 1974).

    ``shapes``, ``scales``, ``weights``: float64 (n,), the posterior of both parameters on a grid, so that few values
    mean a wide spread of tails instead of one that is wrong. Weights sum to 1.
    """

    start: float
    events: int
    shapes: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, levels: NDArray[np.float64]) -> GpdTail:
        """From falling values (n,): the lowest is where the tail starts, the others are its excesses."""
        start = float(levels[-1]) if len(levels) else 0.0
        excess = levels[:-1] - start
        mean = max(float(excess.mean()) if len(excess) else 0.0, _USUAL_EXCESS / (len(excess) + 1))
        shapes, scales = (grid.ravel() for grid in np.meshgrid(_SHAPES, _SCALES * mean, indexing="ij"))
        log = _log_likelihood(shapes, scales, excess) - 0.5 * (shapes / _SHAPE_SPREAD) ** 2
        weights = np.exp(log - log.max())
        weights /= weights.sum()
        kept = weights > _NEGLIGIBLE
        return cls(start, len(excess), shapes[kept], scales[kept], weights[kept] / weights[kept].sum())

    def survival(self, value: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of the tail above a value under each parameter pair, and the weight of the pair."""
        return _survival((value - self.start) / self.scales, self.shapes), self.weights


def _log_likelihood(
    shapes: NDArray[np.float64], scales: NDArray[np.float64], excess: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of each parameter pair; the scale has the prior 1 / scale, which is flat on its logarithmic grid."""
    from scipy.stats import genpareto  # its import takes half a second, which a worker that only scores saves

    densities = genpareto.logpdf(excess[None, :], shapes[:, None], scale=scales[:, None])
    return np.asarray(np.sum(densities, axis=1), np.float64)


def _survival(ratio: NDArray[np.float64], shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """`genpareto.sf`, ``(1 + shape * ratio) ** (-1 / shape)``, as the inverse Box-Cox transform: a sixth of its time,
    and a threshold takes more than a thousand of them."""
    shares = inv_boxcox(-ratio, -shapes)  # NaN beyond the end of a tail of negative shape
    return np.asarray(np.fmax(shares, _LEAST_SHARE), np.float64)  # of a number and NaN, the number
