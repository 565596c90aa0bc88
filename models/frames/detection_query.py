"""What a stream wants of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.frames.detections import MOVER, Detections
from patchwatch.contract.errors import ConfigurationError


@dataclass(frozen=True)
class DetectionQuery:
    """Objects of these classes (the detector's names; none means all), at least this confident (0..1).

    ``movers``: also whatever moves without being detected (`models.frames.moving_regions`).
    """

    classes: tuple[str, ...]
    confidence: float
    movers: bool = False

    def choose(self, found: Detections) -> NDArray[np.int64]:
        """Which of the objects found are meant."""
        pairs = zip(found.labels, found.confidences, strict=True)
        wanted = [number for number, (label, sure) in enumerate(pairs) if self._means(label, sure)]
        return np.array(wanted, np.int64)

    def _means(self, label: str, sure: float) -> bool:
        if label == MOVER:
            return self.movers
        return sure >= self.confidence and (not self.classes or label in self.classes)

    def take_from(self, options: dict[str, Any], where: str) -> DetectionQuery:
        """This wish with what ``options`` change of it: ``classes``, ``confidence``, ``movers`` are taken out there.

        Raises `ConfigurationError`, which begins with ``where``.
        """
        classes = options.pop("classes", list(self.classes))
        confidence = options.pop("confidence", self.confidence)
        movers = options.pop("movers", self.movers)
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ConfigurationError(f'{where}: `classes` must be a list of names, such as ["person"]')
        if not isinstance(confidence, int | float) or isinstance(confidence, bool) or not 0 < confidence < 1:
            raise ConfigurationError(f"{where}: `confidence` must be a number between 0 and 1, not {confidence!r}")
        if not isinstance(movers, bool):
            raise ConfigurationError(f"{where}: `movers` must be true or false, not {movers!r}")
        return DetectionQuery(tuple(classes), float(confidence), movers)

    def as_json(self) -> dict[str, Any]:
        """What a bank must match."""
        return {"classes": list(self.classes), "confidence": self.confidence, "movers": self.movers}


def together(wishes: Sequence[DetectionQuery]) -> DetectionQuery:
    """The least that fulfils all of them. Raises ValueError for none."""
    if not wishes:
        raise ValueError("nobody wants anything of the detector")
    everything = any(not wish.classes for wish in wishes)
    classes = () if everything else tuple(sorted({name for wish in wishes for name in wish.classes}))
    return DetectionQuery(classes, min(wish.confidence for wish in wishes), any(wish.movers for wish in wishes))
