"""Local appearance: one vector per detected object, persons unless the profile says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.exemplars.exemplars import Exemplars
from models.frames.detection_query import DetectionQuery
from models.frames.features import Features
from models.profiles.profile import StreamSpec
from models.streams.appearance import DIM, PREPROCESSING, draw_exemplars
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import ConfigurationError

CLASSES = ("person",)
CONFIDENCE = 0.5


class LocalStream:
    """One vector per object of the wanted classes; its region is the object's box. No object: nothing to say."""

    dim = DIM
    resolution = 0.0

    def __init__(self, spec: StreamSpec) -> None:
        self.name = spec.name
        self._spec = spec
        self._wish = wish_of(spec)

    def extract(self, perception: FrameBatch) -> list[Features]:
        features = []
        for found, vectors in zip(perception.crops, perception.crop_vectors, strict=True):
            chosen = self._wish.choose(found)
            features.append(Features.ungrouped(vectors[chosen], found.boxes_xyxy_px[chosen]))
        return features

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        return draw_exemplars(self.name, normal, ratio=self._spec.ratio, cap=self._spec.cap, seed=seed)

    def preprocessing(self) -> dict[str, Any]:
        return PREPROCESSING | self._wish.as_json()


def make(spec: StreamSpec) -> LocalStream:
    """Options: ``classes``, ``confidence`` and ``movers`` (see `models.frames.detection_query`); persons from 0.5 on unless given.

    Raises `ConfigurationError` for others.
    """
    return LocalStream(spec)


def wish_of(spec: StreamSpec) -> DetectionQuery:
    """What this stream wants of the detector. Raises `ConfigurationError`."""
    options, where = dict(spec.options), f"in the profiles file, stream {spec.name!r}"
    wish = DetectionQuery(CLASSES, CONFIDENCE).take_from(options, where)
    if options:
        raise ConfigurationError(f"{where} has the unknown option {min(options)!r}: remove it")
    return wish
