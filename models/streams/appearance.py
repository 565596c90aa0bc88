"""What both appearance streams share: vectors of the backbone, and exemplars drawn by greedy k-center."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.exemplars.coreset import draw_coreset
from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from patchwatch.contract.errors import InsufficientFootageError

DIM = 1536
PREPROCESSING: dict[str, Any] = {
    "side_px": 224,
    "resize": "squash, antialiased bilinear",
    "layers": ["layer2", "layer3"],
    "pooling": "mean",
}


def draw_exemplars(name: str, normal: Sequence[Features], *, ratio: float, cap: int, seed: int) -> Exemplars:
    """The coreset of all vectors as one group: vectors (1, exemplars, 1536). Raises `InsufficientFootageError`."""
    vectors = [features.vectors for features in normal if len(features)]
    if not vectors:
        raise InsufficientFootageError(f"stream {name!r} found nothing in the normal footage to learn from")
    return Exemplars.ungrouped(normal, draw_coreset(np.concatenate(vectors), ratio=ratio, cap=cap, seed=seed))
