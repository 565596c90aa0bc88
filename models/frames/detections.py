"""The objects of a frame, and the query by which a stream selects some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class DetectionQuery:
    """Objects of these classes (the detector's names; none means all), at least this confident (0..1).

    ``movers``: also whatever moves without being detected (`models.frames.moving_regions`).
    """

    classes: tuple[str, ...]
    confidence: float
    movers: bool = False

    def match(self, detections: Detections) -> NDArray[np.int64]:
        """Indices of the detections that this query asks for: int64 (n,)."""
        pairs = zip(detections.labels, detections.confidences, strict=True)
        wanted = [number for number, (label, sure) in enumerate(pairs) if self._means(label, sure)]
        return np.array(wanted, np.int64)

    def _means(self, label: str, sure: float) -> bool:
        if label == MOVER:
            return self.movers
        return sure >= self.confidence and (not self.classes or label in self.classes)

    def as_json(self) -> dict[str, Any]:
        """What a bank must match."""
        return {"classes": list(self.classes), "confidence": self.confidence, "movers": self.movers}


def union(queries: Sequence[DetectionQuery]) -> DetectionQuery:
    """The narrowest query that covers all of these. Raises ValueError for none."""
    if not queries:
        raise ValueError("there is no query to cover")
    everything = any(not query.classes for query in queries)
    classes = () if everything else tuple(sorted({name for query in queries for name in query.classes}))
    return DetectionQuery(classes, min(query.confidence for query in queries), any(query.movers for query in queries))
