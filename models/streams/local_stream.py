"""Local appearance: one vector per detected object, persons unless the profile says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import DetectionOptions
from models.streams.appearance import DIM, PREPROCESSING, draw_exemplars
from models.streams.frame_batch import FrameBatch


class LocalStream:
    """One vector per object of the wanted classes; its region is the object's box. No object, no evidence."""

    dim = DIM
    resolution = 0.0
    look_back_s = None

    def __init__(self, spec: StreamSpec) -> None:
        self.name = spec.name
        self._spec = spec
        self._query = DetectionOptions.from_spec(spec).query

    def extract(self, batch: FrameBatch) -> list[Features]:
        features = []
        for detections, vectors in zip(batch.crops, batch.crop_vectors, strict=True):
            chosen = self._query.match(detections)
            features.append(Features.ungrouped(vectors[chosen], detections.boxes_xyxy_px[chosen]))
        return features

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        return draw_exemplars(self.name, normal, ratio=self._spec.ratio, cap=self._spec.cap, seed=seed)

    def preprocessing(self) -> dict[str, Any]:
        return PREPROCESSING | self._query.as_json()


def make(spec: StreamSpec) -> LocalStream:
    """Raises `ConfigurationError` for options that `DetectionOptions` does not have."""
    return LocalStream(spec)
