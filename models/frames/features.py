"""What a stream extracts from a frame: vectors, each with a region of the picture and a group of the bank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Features:
    """Vectors of one stream for one frame; none at all when the stream has nothing to say (no person, no flow yet).

    ``vectors``: float32 (n, dim). ``boxes_xyxy_px``: float32 (n, 4) in pixels of the frame.
    ``groups``: int32 (n,), the group of the bank each vector is compared with (cells of the motion stream; else 0).
    """

    vectors: NDArray[np.float32]
    boxes_xyxy_px: NDArray[np.float32]
    groups: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.vectors)
        if self.vectors.ndim != 2 or self.boxes_xyxy_px.shape != (n, 4) or self.groups.shape != (n,):
            raise ValueError(
                f"features of shapes {self.vectors.shape}, {self.boxes_xyxy_px.shape}, {self.groups.shape} do not match"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def none(cls, dim: int) -> Features:
        """Nothing to say."""
        return cls(np.zeros((0, dim), np.float32), np.zeros((0, 4), np.float32), np.zeros(0, np.int32))

    @classmethod
    def ungrouped(cls, vectors: NDArray[np.float32], boxes_xyxy_px: NDArray[np.float32]) -> Features:
        """All vectors in one group."""
        return cls(vectors, boxes_xyxy_px, np.zeros(len(vectors), np.int32))
