"""Cross-validation: normal footage measured against banks learnt without it, for calibration and coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import StreamBank, StreamDistance, frame_distance
from models.banks.coverage import CurvePoint, Spread, StreamCoverage, covered_share, covering_radii, curve_point
from models.frames.frame import Features

_MOST_FRAMES = 1000  # that coverage is measured on


@dataclass(frozen=True, slots=True)
class HeldOutFrames:
    """A held-out frame of one stream.

    ``distance``: as `frame_distance`. ``vectors``: float32 (n,), distance of each vector, mean over the seeds.
    ``first_seed``: largest distance by the first seed alone. All infinite where the bank was empty.
    """

    distance: StreamDistance
    vectors: NDArray[np.float32]
    first_seed: float


@dataclass(frozen=True)
class SmallerBank:
    """A bank of one seed, drawn from a ``share`` of the footage. ``unseen``: int64 (n,), numbers of frames that are
    held out from it, in order. Several of one share, on different frames, make one point of the curve."""

    share: float
    bank: StreamBank
    unseen: NDArray[np.int64]


def hold_out(bank: StreamBank, features: Features) -> HeldOutFrames | None:
    """Measure a frame against a bank without its fold; None when the stream has no evidence in it."""
    if len(features) == 0:
        return None
    if bank.empty:
        return HeldOutFrames(StreamDistance(math.inf, 0), np.full(len(features), np.inf, np.float32), math.inf)
    distances = bank.distances(features)
    distance = StreamDistance(float(distances.max(axis=0).mean()), int(distances.mean(axis=1).argmax()))
    return HeldOutFrames(distance, distances.mean(axis=1), float(distances[:, 0].max()))


def cover(
    name: str,
    bank: StreamBank,
    frames: Sequence[Features],
    held_out: Sequence[HeldOutFrames | None],
    sizes: Sequence[tuple[int, int]],
    smaller: Sequence[SmallerBank],
) -> StreamCoverage:
    """Coverage of one stream by its whole ``bank``.

    ``frames``, ``held_out`` and ``sizes`` (width, height of the picture) are of the same footage, in order.
    Of long footage about 1,000 frames are measured, evenly spread: enough for shares of it, and the cost stays that of
    drawing the banks.
    """
    nonempty = [features for features in frames if len(features)]
    counts = {
        "spoke": len(nonempty),
        "vectors": sum(len(features) for features in nonempty),
        "exemplars": int(np.prod(bank.vectors.shape[1:3])),
    }
    if bank.empty:
        return StreamCoverage(name, **counts, radius=None, spread=None, covered=None, regions=None, curve=())
    step = -(-len(nonempty) // _MOST_FRAMES)
    some = nonempty[::step]
    radii = covering_radii(
        bank.vectors.shape[1], ((features.groups, bank.distances(features).mean(axis=1)) for features in some)
    )
    measured = [
        (features, part.vectors, size)
        for features, part, size in zip(frames, held_out, sizes, strict=True)
        if part is not None
    ][::step]
    spread = Spread.from_frames(len(radii), some, bank.scales)
    covered, regions = covered_share(measured, radii, spread)
    curve = _curve(frames, held_out, smaller, step)
    return StreamCoverage(
        name, **counts, radius=float(radii.max()), spread=spread.rms, covered=covered, regions=regions, curve=curve
    )


def _curve(
    frames: Sequence[Features],
    held_out: Sequence[HeldOutFrames | None],
    smaller: Sequence[SmallerBank],
    step: int,
) -> tuple[CurvePoint, ...]:
    """The learning curve: how far held-out frames are from banks of a part of what the others were learnt from."""
    most = np.array([part.first_seed if part else math.nan for part in held_out])
    points = []
    for share in sorted({fewer.share for fewer in smaller}):
        distances = np.full(len(frames), math.nan)
        for fewer in (fewer for fewer in smaller if fewer.share == share):
            _measure(fewer, frames, step, distances)
        points.append(curve_point(share, distances, most))
    return tuple(point for point in points if point is not None)


def _measure(fewer: SmallerBank, frames: Sequence[Features], step: int, distances: NDArray[np.float64]) -> None:
    """Enter the distance of every ``step``-th frame that is unseen, unless it is silent."""
    for n in fewer.unseen[::step]:
        distance = None if fewer.bank.empty else frame_distance(fewer.bank, frames[n])
        distances[n] = distance.value if distance else math.nan
