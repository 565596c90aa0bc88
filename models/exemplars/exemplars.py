"""Exemplars of normal: the vectors a bank is compared with, and where in the footage each of them was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.frames.features import Features


@dataclass(frozen=True)
class Exemplars:
    """What a stream draws for one seed.

    ``vectors``: float32 (groups, exemplars, dim). ``frames`` and ``regions``: int32 (groups, exemplars), the index of
    the frame each was seen in, within the footage drawn from, and of its region within that frame's features.
    """

    vectors: NDArray[np.float32]
    frames: NDArray[np.int32]
    regions: NDArray[np.int32]

    def __post_init__(self) -> None:
        drawn = self.vectors.shape[:2]
        if self.vectors.ndim != 3 or self.frames.shape != drawn or self.regions.shape != drawn:
            raise ValueError(
                f"exemplars {self.vectors.shape} do not match their origins {self.frames.shape}, {self.regions.shape}"
            )

    @classmethod
    def ungrouped(cls, normal: Sequence[Features], chosen: NDArray[np.int64]) -> Self:
        """One group: the ``chosen`` (n,) of all vectors of ``normal``, counted through its frames in order."""
        counts = np.array([len(features) for features in normal])
        frames = np.searchsorted(np.cumsum(counts), chosen, side="right")
        regions = chosen - (np.cumsum(counts) - counts)[frames]
        vectors = np.concatenate([features.vectors for features in normal])[chosen]
        return cls(vectors[None], frames[None].astype(np.int32), regions[None].astype(np.int32))


@dataclass(frozen=True)
class ExemplarOrigins:
    """Where the exemplars of all seeds of a stream were seen.

    ``moments``: unsigned (seeds, groups, exemplars), index into the bank's `FootageMoments`. ``regions``: of
    the same shape, row of ``boxes``: float16 (n, 4), the different regions as x1, y1, x2, y2 relative to the picture
    (0..1). The same few regions come again and again: a table of them, and the smallest integers, keep banks small.
    """

    moments: NDArray[np.unsignedinteger[Any]]
    regions: NDArray[np.unsignedinteger[Any]]
    boxes: NDArray[np.float16]

    def __post_init__(self) -> None:
        if self.moments.ndim != 3 or self.regions.shape != self.moments.shape or self.boxes.shape[1:] != (4,):
            raise ValueError(
                f"origins of shapes {self.moments.shape}, {self.regions.shape}, {self.boxes.shape} do not match"
            )

    @classmethod
    def of(cls, moments: NDArray[np.int64], boxes: NDArray[np.float32]) -> Self:
        """``moments``: (seeds, groups, exemplars); ``boxes``: float32 (seeds, groups, exemplars, 4), relative."""
        different, rows = np.unique(boxes.astype(np.float16).reshape(-1, 4), axis=0, return_inverse=True)
        return cls(_small(moments), _small(rows.reshape(moments.shape)), different)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, as they stand in a bank file."""
        return {"moments": self.moments, "regions": self.regions, "boxes": self.boxes}


def _small(indices: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
    return indices.astype(np.min_scalar_type(int(indices.max(initial=0))))
