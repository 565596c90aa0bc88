"""Folds: the parts of normal footage that are held out in turn, each measured by a bank of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import MIN_VALUES
from models.alarms.event_detector import TOLERANCE_S

FOLDS = 5  # fewer where one would hold fewer than `MIN_VALUES` frames
_BLOCK_S = 20.0  # a fold takes every fifth block of the footage: so every part of it is represented in the others
_MOST_BLOCKS = 20  # ... longer blocks in longer footage: what stands still for minutes must not vouch for itself

Frames = NDArray[np.int64]  # numbers of frames


@dataclass(frozen=True)
class PartOfFolds:
    """What a point of the learning curve is measured with: a bank ``without`` some folds, on frames ``of`` theirs."""

    without: tuple[int, ...]
    of: tuple[int, ...]

    @property
    def share(self) -> float:
        """Of the footage, that the bank is learnt from."""
        return (FOLDS - len(self.without)) / FOLDS


# The last point decides, so there every frame counts. Its fold is left out with a neighbour in time: footage that comes
# later has none either, and what drifts is nearest to its neighbours.
CURVE = (
    PartOfFolds((1, 2, 3, 4), (1, 2, 3, 4)),
    PartOfFolds((2, 3, 4), (2, 3, 4)),
    PartOfFolds((0, 1), (0, 1)),
    PartOfFolds((2, 3), (2, 3)),
    PartOfFolds((4, 0), (4,)),
)


@dataclass(frozen=True)
class Folds:
    """``of``: int64 (frames,), the fold that each frame of the footage is held out in. ``times_s``: float64 (frames,).
    ``runs``: int64 (frames,), number of the unbroken run each belongs to, within which times rise.

    Streams look back: of a frame soon after a block's edge part of the pictures belong to the block before. So what is
    learnt from leaves out all frames that share a picture with a held-out one. ``look_back_s``, of the stream: see
    `models.streams.base.Stream`.
    """

    of: NDArray[np.int64]
    times_s: NDArray[np.float64]
    runs: NDArray[np.int64]

    @classmethod
    def take_turns(
        cls,
        times_s: NDArray[np.float64],
        runs: NDArray[np.int64],
        length_s: float,
        views: NDArray[np.int64] | None = None,
    ) -> Self:
        """Folds that take turns in blocks of footage of this length, without what lies between runs. ``views``: int64
        (frames,), as `models.banks.views.views_of`: in each of them folds take turns by themselves, as nothing else
        vouches for what it looks like."""
        frames, of = len(times_s), np.zeros(len(times_s), np.int64)
        folds = min(FOLDS, max(2, frames // MIN_VALUES))
        views = np.zeros(frames, np.int64) if views is None else views
        for own in (np.flatnonzero(views == view) for view in np.unique(views)):
            blocks = min(max(int(length_s * (len(own) / frames) // _BLOCK_S), folds), _MOST_BLOCKS)
            of[own] = np.arange(len(own)) * blocks // len(own) % folds
        return cls(of, times_s, runs)

    @property
    def count(self) -> int:
        return int(self.of.max()) + 1

    def frames(self, folds: Sequence[int]) -> Frames:
        """Those of some folds."""
        return np.flatnonzero(np.isin(self.of, folds))

    def without(self, held_out: Sequence[int], look_back_s: float | None) -> Frames:
        """What is learnt from while some folds are held out: the others' frames that share no picture with theirs."""
        known = ~np.isin(self.of, held_out)
        if look_back_s is None:
            return np.flatnonzero(known)
        frames, oldest = np.arange(len(known)), self._oldest_pictures(look_back_s)
        unknown_before = np.maximum.accumulate(np.where(known, -1, frames))
        unknown_after = np.minimum.accumulate(np.where(known, len(frames), frames)[::-1])[::-1]
        shared = (unknown_before >= oldest) | (np.append(oldest, len(frames))[unknown_after] <= frames)
        return np.flatnonzero(known & ~shared)

    def _oldest_pictures(self, look_back_s: float) -> Frames:
        """Number of the oldest picture that each frame's vectors depend on: of its own run."""
        starts = np.append(True, np.diff(self.runs) != 0).nonzero()[0]
        oldest = [
            start + _oldest_of_run(times_s, look_back_s)
            for start, times_s in zip(starts, np.split(self.times_s, starts[1:]), strict=True)
        ]
        return np.concatenate(oldest)


def _oldest_of_run(times_s: NDArray[np.float64], look_back_s: float) -> Frames:
    """The last picture before those looked back at: with it the first of them was compared."""
    first = np.searchsorted(times_s, times_s - look_back_s - TOLERANCE_S)
    oldest: Frames = np.maximum(np.minimum(first, np.arange(len(times_s))) - 1, 0)
    return oldest
