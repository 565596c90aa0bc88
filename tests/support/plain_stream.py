"""A small stream of its own kind, so that learning and scoring can be tested without video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.coreset import draw_coreset
from models.features import Features
from models.perception import Perception

DIM = 6


class PlainStream:
    """Vectors as given; one group."""

    def __init__(self, name: str) -> None:
        self.name, self.dim = name, DIM

    def extract(self, perception: Perception) -> list[Features]:
        raise AssertionError("these tests bring their own features")

    def exemplars(self, normal: Sequence[Features], seed: int) -> NDArray[np.float32]:
        vectors = np.concatenate([features.vectors for features in normal])
        return vectors[draw_coreset(vectors, ratio=0.1, cap=1000, seed=seed)][None]

    def preprocessing(self) -> dict[str, Any]:
        return {"plain": True}


def features_at(*centres: float, noise: np.random.Generator) -> Features:
    """One vector about each centre."""
    vectors = np.array([np.full(DIM, c) for c in centres], np.float32).reshape(-1, DIM)
    vectors += noise.normal(scale=0.1, size=vectors.shape).astype(np.float32)
    boxes = np.array([[10 * n, 0, 10 * n + 10, 20] for n in range(len(centres))], np.float32).reshape(-1, 4)
    return Features.ungrouped(vectors, boxes)
