"""Cross-validation: normal footage measured against banks learnt without it, for calibration and coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import NEUTRAL_RARITY, AnyCalibration, score_of
from models.alarms.event_counts import Run, length_s
from models.alarms.event_detector import OPENS_AFTER_S, EventRule
from models.banks.bank import StreamBank, StreamDistance
from models.banks.coverage import CurvePoint, Spread, StreamCoverage, covered_share, covering_radii, curve_point
from models.frames.frame import Features
from models.profiles.fusion import CausalGaussian
from patchwatch.contract.errors import InsufficientFootageError

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


class FoldDistances:
    """The frames of one stream, each against the bank of its fold, which was learnt without it: measured once, told in
    whatever scales."""

    def __init__(self, banks: Sequence[StreamBank], fold_of: NDArray[np.int64], frames: Sequence[Features]) -> None:
        """``banks``: per fold. ``fold_of``: int64 (frames,)."""
        self._folds, self._frames = fold_of.tolist(), frames
        self._unscaled: list[NDArray[np.float32] | None] = [None] * len(frames)
        for fold, bank in enumerate(banks):
            numbers = [n for n in np.flatnonzero(fold_of == fold).tolist() if len(frames[n]) and not bank.empty]
            for n, distances in zip(numbers, bank.unscaled_distances([frames[n] for n in numbers]), strict=True):
                self._unscaled[n] = distances

    def by(self, banks: Sequence[StreamBank]) -> list[HeldOutFrames | None]:
        """In the scales of these banks, which have the same exemplars and contexts; None where the stream has no
        evidence."""
        parts = zip(self._folds, self._frames, self._unscaled, strict=True)
        return [held_out_frame(banks[fold], features, unscaled) for fold, features, unscaled in parts]


def held_out_frame(bank: StreamBank, features: Features, unscaled: NDArray[np.float32] | None) -> HeldOutFrames | None:
    """``unscaled``: distances to the bank (n, seeds), in no scales yet; None where the bank is empty."""
    if len(features) == 0:
        return None
    if unscaled is None:
        return HeldOutFrames(StreamDistance(math.inf, 0), np.full(len(features), np.inf, np.float32), math.inf)
    distances = bank.in_scales(features, unscaled)
    distance = StreamDistance(float(distances.max(axis=0).mean()), int(distances.mean(axis=1).argmax()))
    return HeldOutFrames(distance, distances.mean(axis=1), float(distances[:, 0].max()))


def distances_of(
    frames: Sequence[Features], held_out: Sequence[HeldOutFrames | None]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Of a stream whose frames all have the same groups: their distances (frames, n) where it has evidence, and the
    groups (n,)."""
    groups = next(features.groups for features in frames if len(features))
    return np.stack([part.vectors for part in held_out if part is not None]), groups


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
    radii = _radii(bank, some)
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


def _radii(bank: StreamBank, frames: Sequence[Features]) -> NDArray[np.float32]:
    unscaled = bank.unscaled_distances(frames)
    distances = [bank.in_scales(features, part).mean(axis=1) for features, part in zip(frames, unscaled, strict=True)]
    return covering_radii(bank.vectors.shape[1], zip([features.groups for features in frames], distances, strict=True))


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
    chosen = [n for n in fewer.unseen[::step].tolist() if len(frames[n]) and not fewer.bank.empty]
    unscaled = fewer.bank.unscaled_distances([frames[n] for n in chosen])
    for n, part in zip(chosen, unscaled, strict=True):
        distances[n] = fewer.bank.in_scales(frames[n], part).max(axis=0).mean()


def threshold_of(
    times_s: Sequence[float],
    runs_of: Sequence[int],
    values: Sequence[float | None],
    calibration: AnyCalibration,
    smoothing_s: float,
    opens_after_s: float = OPENS_AFTER_S,
) -> ThresholdModel:
    """From the scores that the held-out footage would have had live, where silence leaves a score as it was.
    ``values``: of the frames, in order; ``calibration``: of them. ``opens_after_s``: see `ThresholdModel.fit`."""
    runs: dict[int, list[tuple[float, float]]] = {}
    smoothing: dict[int, CausalGaussian] = {}
    for at_s, key, value in zip(times_s, runs_of, values, strict=True):
        run = runs.setdefault(key, [])
        score = run[-1][1] if run else score_of(NEUTRAL_RARITY)
        if value is not None:
            smooth = smoothing.setdefault(key, CausalGaussian(smoothing_s))
            score = smooth.add(at_s, score_of(calibration.rarity(value)))
        run.append((at_s, score))
    columns = [_columns(run) for run in runs.values()]
    if not length_s(columns, EventRule.gap_s, opens_after_s) > 0:
        raise InsufficientFootageError(
            f"the analysed frames are more than {EventRule.gap_s:.0f} s apart, or come in pieces of a second, so no "
            "event can be counted: raise the analysis rate, or give longer pieces"
        )
    return ThresholdModel.fit(columns, opens_after_s)


def _columns(run: Sequence[tuple[float, float]]) -> Run:
    table = np.array(run, np.float64)
    return table[:, 0], table[:, 1]
