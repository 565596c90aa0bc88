"""Folds: the parts of normal footage that are held out in turn, each measured by a bank of the others."""

from __future__ import annotations

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
    def take_turns(cls, times_s: NDArray[np.float64], runs: NDArray[np.int64], length_s: float) -> Self:
        """Folds that take turns in blocks of footage of this length, without what lies between runs."""
        frames = len(times_s)
        folds = min(FOLDS, max(2, frames // MIN_VALUES))
        blocks = min(max(int(length_s // _BLOCK_S), folds), _MOST_BLOCKS)
        return cls(np.arange(frames) * blocks // frames % folds, times_s, runs)

    @property
    def count(self) -> int:
        return int(self.of.max()) + 1

    def without(self, fold: int, look_back_s: float | None) -> Frames:
        """What is learnt from while a fold is held out."""
        return self._apart(self.of != fold, look_back_s)

    def first(self, count: int, look_back_s: float | None) -> Frames:
        """What is learnt from while all but the first so many folds are held out."""
        return self._apart(self.of < count, look_back_s)

    def _apart(self, known: NDArray[np.bool_], look_back_s: float | None) -> Frames:
        """The known frames that share no picture with one that is not."""
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
