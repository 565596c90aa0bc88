"""Local appearance: one vector per detected object, persons unless the profile says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features import Features
from models.perception import Perception
from models.profile import StreamSpec
from models.streams.appearance import DIM, PREPROCESSING, draw_exemplars
from patchwatch.errors import ConfigurationError

CLASSES = ("person",)
CONFIDENCE = 0.5


@dataclass(frozen=True)
class Wish:
    """What a local stream wants of the detector. ``classes`` are the detector's names; none means all."""

    classes: tuple[str, ...] = CLASSES
    confidence: float = CONFIDENCE


class LocalStream:
    """One vector per object of the wanted classes; its region is the object's box. No object: nothing to say."""

    dim = DIM

    def __init__(self, spec: StreamSpec) -> None:
        self.name = spec.name
        self._spec = spec
        self._wish = wish_of(spec)

    def extract(self, perception: Perception) -> list[Features]:
        features = []
        for found, vectors in zip(perception.detections, perception.crop_vectors, strict=True):
            chosen = found.indices(self._wish.classes, self._wish.confidence)
            features.append(Features.ungrouped(vectors[chosen], found.boxes_xyxy_px[chosen]))
        return features

    def exemplars(self, normal: Sequence[Features], seed: int) -> NDArray[np.float32]:
        return draw_exemplars(self.name, normal, ratio=self._spec.ratio, cap=self._spec.cap, seed=seed)

    def preprocessing(self) -> dict[str, Any]:
        return PREPROCESSING | {"classes": list(self._wish.classes), "confidence": self._wish.confidence}


def make(spec: StreamSpec) -> LocalStream:
    """Options: ``classes`` (a list of the detector's names, empty for all) and ``confidence`` (0..1).

    Raises `ConfigurationError` for others.
    """
    return LocalStream(spec)


def wish_of(spec: StreamSpec) -> Wish:
    """What this stream wants of the detector. Raises `ConfigurationError`."""
    options = dict(spec.options)
    classes, confidence = options.pop("classes", list(CLASSES)), options.pop("confidence", CONFIDENCE)
    where = f"in the profiles file, stream {spec.name!r}"
    if options:
        raise ConfigurationError(f"{where} has the unknown option {min(options)!r}: remove it")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ConfigurationError(f'{where}: `classes` must be a list of names, such as ["person"]')
    if not isinstance(confidence, int | float) or isinstance(confidence, bool) or not 0 < confidence < 1:
        raise ConfigurationError(f"{where}: `confidence` must be a number between 0 and 1, not {confidence!r}")
    return Wish(tuple(classes), float(confidence))
