"""Coverage: how much of held-out normal lies near the bank, where in the picture, and what more footage bought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features

GRID = 4  # image regions: so many rows and columns
MIN_JUDGED_S = 120.0  # less footage is too short to judge whether normal is complete: docs/decisions/013
COMPLETE_COVERED = 0.85
COMPLETE_FALL = 0.10
_MIN_FRAMES = 20  # of a point of the learning curve
_SLACK = 1e-4  # relative: distances are differences of large float32 numbers
_RESOLUTION = 1e-6  # relative: smaller differences are rounding
_NOTHING = 1e-3  # a point of frames that a smaller bank holds all of
_WHOLE = 0.5  # a box of more than this share of the picture is nowhere in particular

Grid = tuple[tuple[float | None, ...], ...]


class Sufficiency(StrEnum):
    """Whether a bank knows what is normal, as far as its footage can tell."""

    COMPLETE = "complete"
    STILL_LEARNING = "still_learning"
    TOO_SHORT = "too_short"


@dataclass(frozen=True)
class CurvePoint:
    """How far held-out footage lies from a bank of a ``share`` of the footage, whose blocks are all over it, in parts
    of how far the same frames lie from a bank of all but their own blocks.

    ``typical``: ratio of the means, in which what is far counts for more: half of the frames or more keep their nearest
    exemplars, and what is calm lies a little farther from a bank of more, whose exemplars have more to cover. ``far``:
    ratio of the 95 % quantiles."""

    share: float
    typical: float
    far: float


@dataclass(frozen=True)
class StreamCoverage:
    """One stream of a bank.

    ``spoke``: frames in which it had evidence. ``vectors``: how many it had there. ``exemplars``: of one seed.
    ``radius``: covering radius, the largest distance of any vector of the footage to its nearest exemplar.
    ``spread``: root mean square distance of the vectors to their mean; both in the stream's own unit. ``covered``:
    share of the vectors that stand out in held-out footage which lie near the bank (`covered_share`), None where
    nothing stands out; ``regions``: the same by image region, rows from the top. ``curve`` is empty where there is too
    little to draw it from.
    """

    name: str
    spoke: int
    vectors: int
    exemplars: int
    radius: float | None
    spread: float | None
    covered: float | None
    regions: Grid | None
    curve: tuple[CurvePoint, ...]

    @property
    def fall(self) -> float | None:
        """By what share distances fall with the last fifth of the blocks; negative: they rise."""
        return 1.0 - 1.0 / self.curve[-1].typical if self.curve else None

    @property
    def complete(self) -> bool | None:
        """None where there is no curve to tell it from: a stream that hardly ever speaks keeps no bank from being
        complete, silence is its normal."""
        if self.fall is None:
            return None
        return self.fall <= COMPLETE_FALL and (self.covered is None or self.covered >= COMPLETE_COVERED)


@dataclass(frozen=True)
class Coverage:
    """How complete a bank is. ``segments``: parts of the footage that were held out in turn."""

    seconds: float
    frames: int
    segments: int
    verdict: Sufficiency
    streams: tuple[StreamCoverage, ...]

    @classmethod
    def from_streams(cls, seconds: float, frames: int, segments: int, streams: Sequence[StreamCoverage]) -> Self:
        """With the verdict that these figures allow; where no stream has a curve, too few frames were analysed."""
        if seconds < MIN_JUDGED_S or not any(stream.curve for stream in streams):
            verdict = Sufficiency.TOO_SHORT
        else:
            verdict = (
                Sufficiency.COMPLETE
                if all(stream.complete is not False for stream in streams)
                else Sufficiency.STILL_LEARNING
            )
        return cls(round(seconds, 3), frames, segments, verdict, tuple(streams))

    def facts(self) -> dict[str, Any]:
        """JSON values, as they stand in a bank file."""
        return asdict(self)


def covering_radii(groups: int, seen: Iterable[tuple[NDArray[np.int32], NDArray[np.float32]]]) -> NDArray[np.float32]:
    """Largest distance per group, float32 (groups,): 0 where there was none.

    ``seen``: per frame the groups (n,) of its vectors and their distances (n,) to the bank that holds them.
    """
    radii = np.zeros(groups, np.float32)
    for groups_of, distances in seen:
        np.maximum.at(radii, groups_of, distances)
    return radii


@dataclass(frozen=True)
class Spread:
    """How much normal vectors differ. ``means``: float64 (groups, dim). ``rms``: root mean square distance of all
    vectors of the stream to the mean of their group. ``scales``: float32 (groups,), the bank's, or None."""

    means: NDArray[np.float64]
    rms: float
    scales: NDArray[np.float32] | None = None

    @classmethod
    def from_frames(cls, groups: int, frames: Sequence[Features], scales: NDArray[np.float32] | None = None) -> Self:
        """Of the frames that have vectors, at least one."""
        dim = frames[0].vectors.shape[1]
        sums, counts = np.zeros((groups, dim)), np.zeros(groups)
        for features in frames:
            np.add.at(sums, features.groups, features.vectors)
            np.add.at(counts, features.groups, 1.0)
        means = sums / np.maximum(counts, 1.0)[:, None]
        unscaled = cls(means, 0.0, scales)
        square = sum(float(np.square(unscaled._deviations(features)).sum()) for features in frames)
        least = float(np.abs(means).max()) / (1.0 if scales is None else float(scales.min()))
        return cls(means, max(float(np.sqrt(square / counts.sum())), _RESOLUTION * least), scales)

    def exceeded(self, features: Features) -> NDArray[np.bool_]:
        """Which vectors stand out: those farther from the mean of their group than the spread."""
        return np.asarray(self._deviations(features) > self.rms, np.bool_)

    def _deviations(self, features: Features) -> NDArray[np.float64]:
        deviations = np.linalg.norm(features.vectors - self.means[features.groups], axis=1)
        return np.asarray(deviations if self.scales is None else deviations / self.scales[features.groups], np.float64)


def covered_share(
    frames: Iterable[tuple[Features, NDArray[np.float32], tuple[int, int]]],
    radii: NDArray[np.float32],
    spread: Spread,
) -> tuple[float | None, Grid | None]:
    """Share of what stands out in held-out footage that is near to the bank: of all, and by image region.

    ``frames``: features, their distances (n,) to a bank without their part of it, and the picture's width and height.
    Near is within the spread, or within the covering radius of the group: among few vectors of many dimensions even
    neighbours are farther apart than the spread, and a bank that holds nearly all vectors has no radius. A vector
    belongs to the region of its box's centre; one whose box is most of the picture to none. No grid where no vector
    has a place.
    """
    within, total = np.zeros(GRID * GRID + 1), np.zeros(GRID * GRID + 1)
    for features, distances, size in frames:
        counts = spread.exceeded(features)
        near = distances <= np.maximum(radii[features.groups], spread.rms) * (1.0 + _SLACK)
        places = _places(features.boxes_xyxy_px, size)
        total += np.bincount(places[counts], minlength=len(total))
        within += np.bincount(places[counts & near], minlength=len(total))
    if not total.any():
        return None, None
    shares = [_rounded(part / whole) if whole else None for part, whole in zip(within[:-1], total[:-1], strict=True)]
    grid = tuple(tuple(shares[row * GRID : (row + 1) * GRID]) for row in range(GRID))
    return _rounded(within.sum() / total.sum()), grid if total[:-1].any() else None


def curve_point(share: float, fewer: NDArray[np.float64], most: NDArray[np.float64]) -> CurvePoint | None:
    """Compare the distances of the same frames to a bank of fewer and of most footage; NaN where silent.

    None where fewer than 20 frames can be compared, or where nothing differs from the exemplars.
    """
    both = np.isfinite(fewer) & np.isfinite(most) & (most > 0)
    if both.sum() < _MIN_FRAMES:
        return None
    fewer, most = fewer[both], most[both]
    far = np.quantile(fewer, 0.95) / np.quantile(most, 0.95)
    typical = max(float(fewer.mean() / most.mean()), _NOTHING)
    return CurvePoint(round(share, 3), round(typical, 4), round(float(far), 4))


def _places(boxes_xyxy_px: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.int64]:
    """Number of the region that each box's centre lies in; GRID * GRID for boxes of most of the picture."""
    scale = np.array(size, np.float32)
    corners = boxes_xyxy_px.reshape(-1, 2, 2) / scale
    columns, rows = np.clip((corners.mean(axis=1) * GRID).astype(np.int64), 0, GRID - 1).T
    whole = np.prod(corners[:, 1] - corners[:, 0], axis=1) > _WHOLE
    return np.where(whole, GRID * GRID, rows * GRID + columns)


def _rounded(share: float) -> float:
    return round(float(share), 4)
