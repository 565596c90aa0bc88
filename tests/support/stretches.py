"""Stretches for tests: of plain numbers, small, and each unlike the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.frames.frame import Features, Frame
from models.memory.samples import form_of, grid_of
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion, Stretch, StretchIdentity, StretchInfo
from models.memory.stretches.stretch_collector import StretchCollector
from models.profiles.profile import StreamKind

IDENTITY = StretchIdentity({"networks": {"backbone": "plain"}, "preprocessing": {}}, "0123456789abcdef")
KINDS = (StreamKind.PLACE, StreamKind.MOTION, StreamKind.VELOCITY, StreamKind.GLOBAL)
DIMS = {StreamKind.PLACE: 48, StreamKind.MOTION: 8, StreamKind.VELOCITY: 3, StreamKind.GLOBAL: 5}
SIZE = 64, 48
START_MS = 1_800_000_000_000
_PICTURE = np.random.default_rng(5).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


def some_features(kind: StreamKind, rng: np.random.Generator, count: int | None = None) -> Features:
    """Of one frame; ``count``: vectors of a stream whose regions differ by frame, 0 for silence."""
    regions = form_of(kind).regions
    if count == 0:
        return Features.none(DIMS[kind])
    if regions is not None:
        return Features(rng.normal(0, 1, (regions[0], DIMS[kind])).astype(np.float32), *grid_of(kind, SIZE))
    boxes = rng.uniform(0, 48, (count or 1, 4)).astype(np.float32)
    return Features.ungrouped(rng.normal(0, 1, (count or 1, DIMS[kind])).astype(np.float32), boxes)


def some_stretch(
    *,
    seed: int = 0,
    frames: int = 20,
    fps: float = 5.0,
    started_ms: int = START_MS,
    scores: Sequence[float] | None = None,
    excluded: Sequence[Exclusion] | None = None,
    kinds: Sequence[StreamKind] = KINDS,
) -> Stretch:
    """Every fifth frame is silent but for the whole picture; a run begins half way."""
    rng = np.random.default_rng(seed)
    collector = StretchCollector(kinds, IDENTITY)
    for n in range(frames):
        features = [
            some_features(kind, rng, 0 if n % 5 == 4 and kind is not StreamKind.GLOBAL else 1) for kind in kinds
        ]
        collector.add(
            Frame(_PICTURE, 100.0 + n / fps), started_ms + int(n / fps * 1000), 3 + (n >= frames // 2), features,
            score=scores[n] if scores else 0.25, excluded=excluded[n] if excluded else NOT_EXCLUDED,
        )  # fmt: skip
    return collector.finish()


def small_stretch(*, seed: int = 0, started_ms: int = START_MS, score: float = 0.25, frames: int = 3) -> Stretch:
    """Of a few kB."""
    kinds = (StreamKind.GLOBAL,)
    return some_stretch(
        seed=seed, frames=frames, started_ms=started_ms, scores=[score] * frames, kinds=kinds
    )  # fmt: skip


def info_of(
    number: int, started_ms: int, score: float | None = 0.3, excluded: float = 0.0, size: int = 1_200_000
) -> StretchInfo:
    """An entry of an index."""
    return StretchInfo(f"{number:06d}", started_ms, 30.0, 150, size, score, score, excluded, IDENTITY.fingerprint)
