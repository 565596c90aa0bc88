"""Why a frame has its score: each stream's part in it, and the exemplars nearest to what stood out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import Bank, StreamBank, StreamDistance
from models.engine.frame_scorer import FrameScore
from models.exemplars.provenance import Moment
from models.frames.frame import Box, Features
from models.profiles.fusion import contributions

NEAREST = 3


@dataclass(frozen=True)
class NearestExemplar:
    """An exemplar near to the evidence of a stream. ``box``: its region, relative to its picture (0..1).
    ``source``: name of the footage. ``thumbnail``: JPEG of the whole picture, None where none was kept."""

    distance: float
    source: str
    moment: Moment
    box: Box
    thumbnail: bytes | None


@dataclass(frozen=True)
class ExplainedStream:
    """One stream's part in a frame's score.

    ``contribution``: share of the fused value, 0..1 (see `models.profiles.fusion.contributions`); 0 outside the group
    of streams that the value comes from. ``distance`` and
    ``rarity`` are those fused; ``box_xyxy_px`` is the region farthest from normal in pixels of the frame, ``nearest``
    the exemplars nearest to it, each of another frame. A stream without evidence has None and no exemplars.
    """

    name: str
    weight: float
    contribution: float
    distance: float | None
    rarity: float | None
    box_xyxy_px: Box | None
    nearest: tuple[NearestExemplar, ...]


def explain(
    bank: Bank, features: Sequence[Features], score: FrameScore, *, count: int = NEAREST
) -> tuple[ExplainedStream, ...]:
    """Explain a frame's score, per stream of the profile in its order.

    ``features`` are those the score was computed from; ``count`` exemplars are looked up per stream. Only one vector
    per stream is compared with the bank, so this costs little beside the scoring itself.
    """
    profile = bank.profile
    leading = next((spec.group for spec in profile.streams if spec.name == score.driver), None)
    weights = [spec.weight if spec.group == leading else 0.0 for spec in profile.streams]
    values = [distance.value if distance else None for distance in score.distances]
    shares = contributions(profile.fusion, weights, values, score.rarities[: len(weights)])
    explanations = []
    for n, (spec, distance) in enumerate(zip(profile.streams, score.distances, strict=True)):
        box, nearest = _evidence(bank, n, features[n], distance, count)
        explanations.append(
            ExplainedStream(spec.name, spec.weight, shares[n], values[n], score.rarities[n], box, nearest)
        )
    return tuple(explanations)


def _evidence(
    bank: Bank, position: int, features: Features, distance: StreamDistance | None, count: int
) -> tuple[Box | None, tuple[NearestExemplar, ...]]:
    """The region farthest from normal, and the exemplars nearest to it."""
    if distance is None:
        return None, ()
    vector, group = features.vectors[distance.region], int(features.groups[distance.region])
    nearest = _nearest(bank, bank.streams[position].counting(features), vector, group, count)
    return _box(features.boxes_xyxy_px[distance.region]), nearest


def _nearest(
    bank: Bank, stream: StreamBank, vector: NDArray[np.float32], group: int, count: int
) -> tuple[NearestExemplar, ...]:
    """The nearest of all seeds' exemplars in the group, one per moment, nearest first."""
    if stream.origins is None:
        raise ValueError("exemplars of a camera's bank have origins")
    distances = np.linalg.norm(stream.vectors[:, group] - stream.measured(vector[None])[0], axis=-1).ravel()
    if stream.scales is not None:
        distances = distances / stream.scales[group]
    rows, regions = stream.origins.moments[:, group].ravel(), stream.origins.regions[:, group].ravel()
    order = np.argsort(distances, kind="stable")
    _, first = np.unique(rows[order], return_index=True)
    moments, names = bank.moments, bank.footage.sources
    exemplars = [
        NearestExemplar(
            float(distances[at]),
            names[moments.moments[rows[at]].source],
            moments.moments[rows[at]],
            _box(stream.origins.boxes[regions[at]]),
            moments.thumbnails[rows[at]] or None,
        )
        for at in order[np.sort(first)[:count]]
    ]
    return tuple(exemplars)


def _box(edges: NDArray[np.floating]) -> Box:
    x1, y1, x2, y2 = edges.tolist()
    return x1, y1, x2, y2
