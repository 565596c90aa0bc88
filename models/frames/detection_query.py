"""What a stream needs from the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.frames.detections import MOVER, Detections


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
