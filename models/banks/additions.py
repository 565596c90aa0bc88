"""Additions: exemplars that operators added to a camera's normal, beside its bank and never in it.

A region's distance is the smaller of the bank's and the additions'. So scores can only fall, everything else of the
bank stays as it is, and without the additions the scores are what they were, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import AnyCalibration, RankCalibration
from models.banks.bank import Bank, StreamBank, StreamDistance, without_explained
from models.banks.hours import Hours
from models.banks.rare_vectors import StreamVectors, rare_among
from models.frames.frame import Features
from models.profiles.profile import StreamKind
from models.streams import motion_stream, place_stream

MOST_VECTORS = 16_384  # of a stream, of all additions in force
_KNOWN = 0.5  # an object so much nearer to an addition than to the bank is what was added
_FASTER = 2.0  # times: the flow of a plain surface comes out slower than it is, each time by another factor
_STILL = 5e-4  # long sides per second: below, all is noise
_FASTER_THAN_ANY = 1.25  # times the fastest of what one word added: more is another movement
_MINUTE_MS = 60_000
_GRIDS = {
    StreamKind.PLACE: (place_stream.ROWS, place_stream.COLUMNS),
    StreamKind.MOTION: (motion_stream.ROWS, motion_stream.COLUMNS),
}


@dataclass(frozen=True)
class Addition:
    """What one word of an operator adds: vectors per stream of the profile, and the ``hours`` in which they count;
    None: always."""

    streams: tuple[StreamVectors, ...]
    hours: Hours | None = None


class StreamAdditions:
    """What is in force for one stream of a bank. Not thread-safe."""

    def __init__(
        self,
        bank: StreamBank,
        calibrations: Sequence[AnyCalibration],
        parts: Sequence[StreamVectors],
        grid: tuple[int, int] | None = None,
    ) -> None:
        """``calibrations``: those by which a region may be rare (`Bank.telling_rare`), the stream's own first.
        ``grid``: rows and columns of a stream with places: what was added at one counts beside it too."""
        groups = np.concatenate([part.groups for part in parts])
        order = np.argsort(groups, kind="stable")[:: -(-len(groups) // MOST_VECTORS)]
        measured = np.concatenate([bank.measured(part.vectors) for part in parts])[order]
        if measured.shape[1] != bank.vectors.shape[3] or int(groups.max()) >= bank.vectors.shape[1]:
            raise ValueError(f"additions {measured.shape} up to group {groups.max()} do not fit {bank.vectors.shape}")
        self._bank = bank
        self._calibrations = calibrations
        self._vectors, self._groups, self._order = measured, groups[order], order
        self._beside = _neighbours(*grid) if grid else np.arange(bank.vectors.shape[1])[:, None]

    def frame_distances(
        self, features: Features, explained: NDArray[np.bool_] | None = None
    ) -> tuple[StreamDistance | None, StreamDistance | None]:
        """As `models.banks.bank.frame_distance`, with and without what was added. Only what is rare is looked up, as
        only that was added: an ordinary frame costs nothing more, and keeps its distance to the bit."""
        if len(features) == 0:
            return None, None
        bank = self._bank.counting(features)
        of_bank = bank.distances(features)
        if explained is not None:
            of_bank = without_explained(of_bank, explained)
        without, rare = StreamDistance.farthest(of_bank), rare_among(of_bank, self._calibrations)
        if not rare.any():
            return without, without
        return self._with_added(bank, features, rare, of_bank), without

    def _with_added(
        self, bank: StreamBank, features: Features, rare: NDArray[np.bool_], of_bank: NDArray[np.float32]
    ) -> StreamDistance:
        """As the bank's distances (n, seeds), where those regions that are ``rare``, (n,), may have been added."""
        added = np.full(len(features), np.inf, np.float32)
        added[rare] = self.distances(features.take(rare), bank.scales)
        return self._remaining(of_bank, added)

    def _remaining(self, of_bank: NDArray[np.float32], added: NDArray[np.float32]) -> StreamDistance:
        """Of the regions (n, seeds) the one farthest from what is known to the bank or was added, (n,). Of what was
        added nothing stays at its place, however finely normal is known there."""
        distances, new = np.minimum(of_bank, added[:, None]), added > _KNOWN * of_bank.mean(axis=1)
        if not isinstance(self._calibrations[0], RankCalibration):
            farthest = StreamDistance.farthest(distances)
            return replace(farthest, of_regions=np.where(new, farthest.of_regions, np.float32(0.0)))
        # By rank, even no distance at all is rare where nothing usually is: what was added is left out instead.
        if not new.any():
            return replace(StreamDistance.farthest(distances), known=True)
        return StreamDistance.farthest(np.where(new[:, None], distances, np.float32(-np.inf)))

    def distances(self, features: Features, scales: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Euclidean distance of each vector to the nearest addition of its group, in these ``scales`` (groups,):
        float32 (n,), infinite where nothing was added."""
        queries, group_of = self._bank.measured(features.vectors), features.groups
        squared = self._of_one_group(queries) if self._bank.vectors.shape[1] == 1 else self._by_group(queries, group_of)
        distances = np.sqrt(np.maximum(squared, 0.0))
        return np.asarray(distances if scales is None else distances / scales[group_of], np.float32)

    def _of_one_group(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        norms = np.einsum("nd,nd->n", self._vectors, self._vectors)
        squares = np.einsum("nd,nd->n", queries, queries)
        return np.asarray((squares[:, None] + norms - 2.0 * (queries @ self._vectors.T)).min(axis=1), np.float32)

    def _by_group(self, queries: NDArray[np.float32], group_of: NDArray[np.int32]) -> NDArray[np.float32]:
        rows, members, starts = self._pairs(group_of)
        nearest = np.full(len(queries), np.inf, np.float32)
        if len(rows):
            differences = queries[rows] - self._vectors[members]
            squares = np.einsum("nd,nd->n", differences, differences)
            nearest[rows[starts]] = np.minimum.reduceat(squares, starts)
        return nearest

    def _pairs(self, group_of: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Each vector with each addition of its group and of those beside it: rows of both, and where those of a vector
        begin."""
        around = self._beside[group_of]
        firsts = np.searchsorted(self._groups, around.ravel(), side="left")
        counts = np.searchsorted(self._groups, around.ravel(), side="right") - firsts
        rows = np.repeat(np.repeat(np.arange(len(group_of)), around.shape[1]), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, within + np.repeat(firsts, counts), np.flatnonzero(np.diff(rows, prepend=-1))


class MotionAdditions(StreamAdditions):
    """What is in force for a stream of motion. What was added is a movement in a direction, from standstill to twice as
    fast as it was measured there, but no more than a quarter faster than the fastest of the same word. A region is
    known that is normal once such a movement is taken out of it: somebody else may be passing."""

    def __init__(
        self,
        bank: StreamBank,
        calibrations: Sequence[AnyCalibration],
        parts: Sequence[StreamVectors],
        grid: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(bank, calibrations, parts, grid)
        speeds = [np.linalg.norm(part.vectors, axis=1) for part in parts]
        fastest = np.concatenate([np.full(len(part), part.max()) for part in speeds])
        most = np.minimum(_FASTER, _FASTER_THAN_ANY * fastest / np.maximum(np.concatenate(speeds), _STILL))
        self._most = most[self._order].astype(np.float32)

    def _with_added(
        self, bank: StreamBank, features: Features, rare: NDArray[np.bool_], of_bank: NDArray[np.float32]
    ) -> StreamDistance:
        candidates = features.take(rare)
        rows, members, starts = self._pairs(candidates.groups)
        if not len(rows):
            return StreamDistance.farthest(of_bank)
        moving, added = candidates.vectors[rows], self._vectors[members]
        along = np.einsum("nd,nd->n", moving, added) / np.maximum(np.einsum("nd,nd->n", added, added), _STILL**2)
        left = moving - np.clip(along, 0.0, self._most[members])[:, None] * added
        least = np.lexsort((np.einsum("nd,nd->n", left, left), rows))[starts]  # of each region
        regions = np.flatnonzero(rare)[rows[starts]]
        rest = Features(left[least], features.boxes_xyxy_px[regions], features.groups[regions])
        distances = of_bank.copy()
        distances[regions] = np.minimum(of_bank[regions], bank.distances(rest))
        return StreamDistance.farthest(distances)


InForce = tuple[StreamAdditions | None, ...]  # per stream of the profile


class Additions:
    """All additions of a camera, made comparable with the exemplars of one bank. Not thread-safe.

    Raises ValueError for vectors that do not fit the bank. Beyond `MOST_VECTORS` of a stream, evenly chosen ones count.
    """

    def __init__(self, bank: Bank, additions: Sequence[Addition]) -> None:
        if any(len(addition.streams) != len(bank.streams) for addition in additions):
            raise ValueError(f"an addition has vectors of each of the {len(bank.streams)} streams of the profile")
        self.bank = bank
        self.additions = tuple(additions)
        self._in_force: dict[tuple[bool, ...], InForce] = {}
        self._minute: int | None = None
        self._of((True,) * len(self.additions))  # whatever the hour: what does not fit is refused now
        self._now = self._of(tuple(addition.hours is None for addition in self.additions))

    def at(self, wall_ms: int | None) -> InForce | None:
        """What counts at a moment, Unix time: the very same object as long as that does not change; None where nothing
        does. Where ``wall_ms`` is None the moment is not known, and what has hours does not count."""
        minute = None if wall_ms is None else wall_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._now = self._of(tuple(_counts(addition.hours, wall_ms) for addition in self.additions))
        return self._now

    def _of(self, counting: tuple[bool, ...]) -> InForce | None:
        if not any(counting):
            return None
        if counting not in self._in_force:
            self._in_force.clear()
            chosen = [addition for addition, counts in zip(self.additions, counting, strict=True) if counts]
            self._in_force[counting] = tuple(self._stream(number, chosen) for number in range(len(self.bank.streams)))
        return self._in_force[counting]

    def _stream(self, number: int, additions: Sequence[Addition]) -> StreamAdditions | None:
        parts = [addition.streams[number] for addition in additions if len(addition.streams[number])]
        if not parts:
            return None
        kind = self.bank.profile.streams[number].kind
        grid, of_kind = _GRIDS.get(kind), MotionAdditions if kind is StreamKind.MOTION else StreamAdditions
        return of_kind(self.bank.streams[number], self.bank.telling_rare(number), parts, grid)


@cache
def _neighbours(rows: int, columns: int) -> NDArray[np.int64]:
    """(places, 9): each place and those around it; -1 outside of the picture."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    around = np.stack([(row + down) * columns + column + right for down, right in steps], axis=1)
    inside = [
        (row + down >= 0) & (row + down < rows) & (column + right >= 0) & (column + right < columns)
        for down, right in steps
    ]
    return np.where(np.stack(inside, axis=1), around, -1)


def _counts(hours: Hours | None, wall_ms: int | None) -> bool:
    return hours is None or (wall_ms is not None and hours.contains(wall_ms))
