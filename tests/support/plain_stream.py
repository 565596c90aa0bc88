"""A small stream of its own kind, so that learning and scoring can be tested without video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.exemplars.coreset import draw_coreset
from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.streams.frame_batch import FrameBatch

DIM = 6
PICTURE = np.full((90, 160, 3), 128, np.uint8)


class PlainStream:
    """Vectors as given; one group."""

    resolution = 0.0
    look_back_s: float | None = None

    def __init__(self, name: str) -> None:
        self.name, self.dim = name, DIM

    def extract(self, perception: FrameBatch) -> list[Features]:
        raise AssertionError("these tests bring their own features")

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        vectors = np.concatenate([features.vectors for features in normal])
        return Exemplars.ungrouped(normal, draw_coreset(vectors, ratio=0.1, cap=1000, seed=seed))

    def preprocessing(self) -> dict[str, Any]:
        return {"plain": True}


def features_at(*centres: float, noise: np.random.Generator) -> Features:
    """One vector about each centre."""
    vectors = np.array([np.full(DIM, c) for c in centres], np.float32).reshape(-1, DIM)
    vectors += noise.normal(scale=0.1, size=vectors.shape).astype(np.float32)
    boxes = np.array([[10 * n, 0, 10 * n + 10, 20] for n in range(len(centres))], np.float32).reshape(-1, 4)
    return Features.ungrouped(vectors, boxes)
