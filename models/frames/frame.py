"""A decoded frame, the method's input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one camera.

    ``rgb``: uint8 (height, width, 3). ``at_s``: capture time in seconds on any clock that does not jump within a
    connection. ``discontinuity``: nothing before this frame may be compared with it. ``cut``: it is one that its source
    did not tell of (`models.frames.scene_cuts`).
    """

    rgb: NDArray[np.uint8]
    at_s: float
    discontinuity: bool = False
    cut: bool = False

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"a frame is uint8 (height, width, 3), not {self.rgb.dtype} {self.rgb.shape}")

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])
