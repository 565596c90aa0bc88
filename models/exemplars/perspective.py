"""Perspective: how high things usually stand in the picture, by where their feet are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

SIZE = 3  # columns that a size takes: foot, height, kind
_LEAST_OBJECTS = 50
_MOST_OBJECTS = 400  # the fit compares all pairs
_LEAST_DEPTH = 0.02  # long sides: feet at one height carry no information on depth
_OUTER = 0.02, 0.98  # quantiles of the feet that count as the farthest and the nearest
_LEAST_HEIGHT = 0.01  # long sides


@dataclass(frozen=True)
class Perspective:
    """Usual height of this camera's commonest kind of object, linear in where it stands, as on flat ground.

    ``line``: float64 (3,): slope, intercept, and the least height, in long sides of the picture, feet counted from the
    top. float64 (0,): unknown, everything is its own measure.
    """

    line: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.line.shape not in ((0,), (3,)) or not np.isfinite(self.line).all():
            raise ValueError(f"a perspective is three finite numbers or none, not {self.line}")

    @classmethod
    def fit(cls, sizes: NDArray[np.float32]) -> Self:
        """From the ``sizes`` (n, 3) of objects: foot, height, and kind; 0 stands for objects of no known kind or not
        wholly in the picture, which are left out.

        Theil-Sen, which those half hidden hardly move. Unknown for fewer than 50 objects of one kind, or where the
        line would go down to nothing.
        """
        kinds, counts = np.unique(sizes[sizes[:, 2] > 0, 2], return_counts=True)
        if not len(counts) or counts.max() < _LEAST_OBJECTS:
            return cls(np.zeros(0))
        chosen = sizes[sizes[:, 2] == kinds[counts.argmax()]].astype(np.float64)
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), _MOST_OBJECTS)).astype(int)]
        feet, heights = chosen[:, 0], chosen[:, 1]
        farthest, nearest = np.quantile(feet, _OUTER)
        slope, intercept = 0.0, float(np.median(heights))
        if nearest - farthest >= _LEAST_DEPTH:
            from scipy.stats import theilslopes  # its import takes half a second, for which few profiles have a use

            slope, intercept = theilslopes(heights, feet)[:2]
        least = min(slope * farthest, slope * nearest) + intercept
        if least < _LEAST_HEIGHT:
            return cls(np.zeros(0))
        return cls(np.array([slope, intercept, least / 2.0]))

    def by_usual_height(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (n, dim + 3) in units of each object's own height, ending with its size, as (n, dim) in units of the
        usual height where it stands."""
        own = vectors[:, :-SIZE]
        if not len(self.line):
            return own
        slope, intercept, least = self.line
        usual = np.maximum(slope * vectors[:, -SIZE] + intercept, least)
        return np.asarray(own * (vectors[:, 1 - SIZE] / usual)[:, None], np.float32)
