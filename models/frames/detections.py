"""What a detector found in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOVER = "mover"  # label of what moves without being detected (`models.frames.moving_regions`)


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects of one frame, most confident first.

    ``boxes_xyxy_px``: float32 (n, 4) in pixels of the frame. ``confidences``: float32 (n,), 0..1.
    ``labels``: the detector's own class names, or `MOVER`.
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

    def take(self, chosen: NDArray[np.int64]) -> Detections:
        """Those of these indices, in their order."""
        labels = tuple(self.labels[number] for number in chosen)
        return Detections(self.boxes_xyxy_px[chosen], self.confidences[chosen], labels)

    def with_more(self, others: Detections) -> Detections:
        """These, then the others."""
        return Detections(
            np.concatenate([self.boxes_xyxy_px, others.boxes_xyxy_px]),
            np.concatenate([self.confidences, others.confidences]),
            self.labels + others.labels,
        )
