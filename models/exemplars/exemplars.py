"""Exemplars of normal: the vectors that a stream draws from normal footage for its memory bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features


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


def every_place(features: Features, places: int) -> NDArray[np.floating[Any]]:
    """The vectors of a stream with one group per place, for all of its places: (places, dim), 0 where one was left
    out."""
    if len(features) == places:
        return features.vectors
    whole = np.zeros((places, features.vectors.shape[1]), features.vectors.dtype)
    whole[features.groups] = features.vectors
    return whole


def rows_of_places(features: Features, places: int) -> NDArray[np.int32]:
    """The row of each place within the features: int32 (places,), 0 where the place was left out."""
    rows = np.zeros(places, np.int32)
    rows[features.groups] = np.arange(len(features), dtype=np.int32)
    return rows
