"""What a detector found in one frame."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects of one frame, most confident first.

    ``boxes_xyxy_px``: float32 (n, 4) in pixels of the frame. ``confidences``: float32 (n,), 0..1.
    ``labels``: the detector's own class names.
    """

    boxes_xyxy_px: NDArray[np.float32]
    confidences: NDArray[np.float32]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.boxes_xyxy_px.shape != (n, 4) or self.confidences.shape != (n,):
            raise ValueError(f"{n} labels with boxes {self.boxes_xyxy_px.shape}, confidences {self.confidences.shape}")

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def none(cls) -> Detections:
        """An empty frame."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())

    def indices(self, classes: Collection[str], confidence: float) -> NDArray[np.int64]:
        """Which of them are of these classes (empty: any) and at least this confident."""
        wanted = [
            number
            for number, (label, sure) in enumerate(zip(self.labels, self.confidences, strict=True))
            if sure >= confidence and (not classes or label in classes)
        ]
        return np.array(wanted, np.int64)
