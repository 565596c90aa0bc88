"""Global appearance: the whole frame as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import StreamOptions
from models.streams.appearance import DIM, PREPROCESSING, draw_exemplars
from models.streams.frame_batch import FrameBatch


class GlobalStream:
    """One vector per frame; its region is the frame. None where other parts count than in the bank's footage: those
    would be all that differs."""

    dim = DIM
    resolution = 0.0
    look_back_s = None

    def __init__(self, spec: StreamSpec) -> None:
        self.name = spec.name
        self._spec = spec

    def extract(self, batch: FrameBatch) -> list[Features]:
        return [
            Features.ungrouped(vector[None], np.array([[0, 0, frame.width, frame.height]], np.float32))
            if context.mask.as_learnt
            else Features.none(DIM)
            for frame, context, vector in zip(batch.frames, batch.contexts, batch.frame_vectors, strict=True)
        ]

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        return draw_exemplars(self.name, normal, ratio=self._spec.ratio, cap=self._spec.cap, seed=seed)

    def preprocessing(self) -> dict[str, Any]:
        return dict(PREPROCESSING)


def make(spec: StreamSpec) -> GlobalStream:
    """Raises `ConfigurationError` for an option this kind of stream does not have."""
    StreamOptions.from_spec(spec)
    return GlobalStream(spec)
