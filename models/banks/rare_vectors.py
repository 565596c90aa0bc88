"""What is rare in some frames, of each stream a few vectors that stand for all: what an operator's word adds to normal.

Only regions that are rare under the bank: so a cyclist who is called normal teaches where he rode, and no more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import TAIL_RARITY, AnyCalibration
from models.banks.bank import Bank, StreamBank
from models.exemplars.coreset import greedy_k_center
from models.frames.frame import Features

RARE = TAIL_RARITY  # the farthest region of one in twenty normal frames reaches it
MOST_VECTORS = 4096  # of a stream
MOST_A_PLACE = 16
MOST_UNGROUPED = 256
_MOST_CANDIDATES = 32_768


@dataclass(frozen=True)
class StreamVectors:
    """Vectors of one stream as it yields them, float32 (n, dim), and the group of each, int32 (n,)."""

    vectors: NDArray[np.float32]
    groups: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32 or self.groups.shape != self.vectors.shape[:1]:
            raise ValueError(f"vectors {self.vectors.dtype} {self.vectors.shape} in groups {self.groups.shape}")
        if not np.isfinite(self.vectors).all() or self.groups.min(initial=0) < 0:
            raise ValueError("vectors are finite, and groups are numbered from 0")

    def __len__(self) -> int:
        return len(self.vectors)


def rare_vectors(bank: Bank, frames: Iterable[Sequence[Features]]) -> tuple[StreamVectors, ...]:
    """Of each stream of the bank's profile what is rare in these frames: at most `MOST_VECTORS`, in each group the
    k-center exemplars of what was found there. ``frames``: the features of each, of all streams."""
    gatherers = _gatherers(bank)
    for frame in frames:
        for gatherer, features in zip(gatherers, frame, strict=True):
            gatherer.add(features)
    return tuple(gatherer.finish() for gatherer in gatherers)


def joined(bank: Bank, parts: Sequence[Sequence[StreamVectors]]) -> tuple[StreamVectors, ...]:
    """Several results of `rare_vectors` as one, within the same bounds."""
    gatherers = _gatherers(bank)
    for part in parts:
        for gatherer, vectors in zip(gatherers, part, strict=True):
            gatherer.take(vectors)
    return tuple(gatherer.finish() for gatherer in gatherers)


def rare_regions(bank: StreamBank, calibrations: Sequence[AnyCalibration], features: Features) -> NDArray[np.bool_]:
    """Which regions are so far from the bank that the farthest of a normal frame seldom is: bool (n,)."""
    return rare_among(bank.distances(features), calibrations)


def rare_among(distances: NDArray[np.float32], calibrations: Sequence[AnyCalibration]) -> NDArray[np.bool_]:
    """Of the regions whose distances (n, seeds) these are, n > 0, those that are rare by any of the calibrations. None
    in a frame that is not rare as a whole."""

    def rarity(distance: float) -> float:
        return max([calibration.rarity(distance) for calibration in calibrations])

    means = distances.mean(axis=1)
    if rarity(float(means.max())) < RARE:
        return np.zeros(len(means), np.bool_)
    ordered = np.sort(means).tolist()
    return np.asarray(means >= ordered[bisect_left(ordered, RARE, key=rarity)], np.bool_)


def _gatherers(bank: Bank) -> list[_Gatherer]:
    return [_Gatherer(stream, bank.telling_rare(number)) for number, stream in enumerate(bank.streams)]


class _Gatherer:
    """Of one stream: takes frame after frame, and thins out what it has when that grows too much."""

    def __init__(self, bank: StreamBank, calibrations: Sequence[AnyCalibration]) -> None:
        self._bank = bank
        self._calibrations = calibrations
        self._last: Features | None = None
        self._parts: list[StreamVectors] = []
        self._count = 0

    def add(self, features: Features) -> None:
        if features is self._last or not len(features):
            return
        self._last = features
        rare = features.take(rare_regions(self._bank, self._calibrations, features))
        self.take(StreamVectors(np.asarray(rare.vectors, np.float32), rare.groups))

    def take(self, rare: StreamVectors) -> None:
        if not len(rare):
            return
        self._parts.append(rare)
        self._count += len(rare)
        if self._count > _MOST_CANDIDATES:
            self._thin()

    def _thin(self) -> None:
        everything = StreamVectors(
            np.concatenate([part.vectors for part in self._parts]),
            np.concatenate([part.groups for part in self._parts]),
        )
        chosen = _centres(self._bank, everything)
        self._parts = [StreamVectors(everything.vectors[chosen], everything.groups[chosen])]
        self._count = len(chosen)

    def finish(self) -> StreamVectors:
        if not self._parts:
            return StreamVectors(np.zeros((0, 1), np.float32), np.zeros(0, np.int32))
        self._thin()
        return self._parts[0]


def _centres(bank: StreamBank, candidates: StreamVectors) -> NDArray[np.int64]:
    """Which of the candidates cover the others best, in each group."""
    if not len(candidates):
        return np.zeros(0, np.int64)
    measured = bank.measured(candidates.vectors)
    order = np.argsort(candidates.groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(candidates.groups[order])) + 1)
    most = MOST_UNGROUPED if bank.vectors.shape[1] == 1 else MOST_A_PLACE
    count = max(1, min(most, MOST_VECTORS // len(members)))
    chosen = [group[greedy_k_center(measured[group], count=count, first=0)] for group in members]
    return np.concatenate(chosen)
