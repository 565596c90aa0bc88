"""The scores of a camera over time: per frame, or gathered into bins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from redis.asyncio import Redis

from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.score import Score, ScoreMinute

MINUTE_MS = 60_000
_PAGE = 1000  # entries
_MAX_SCANNED = 100_000  # frames read for one answer, which then ends early and says where to continue
_T = TypeVar("_T")


@dataclass
class Bin:
    """The scores from ``start_ms`` to the start of the next bin."""

    start_ms: int
    count: int = 0
    total: float = 0.0
    peak: float = 0.0

    def add(self, count: int, total: float, peak: float) -> None:
        self.count += count
        self.total += total
        self.peak = max(self.peak, peak)


@dataclass
class Binning:
    """Gathers scores into bins of ``width_ms`` aligned to the epoch, at most ``limit`` of them."""

    width_ms: int
    limit: int
    bins: list[Bin] = field(default_factory=list)
    next_ms: int | None = None  # start of the first bin that did not fit

    def add(self, at_ms: int, count: int, total: float, peak: float) -> bool:
        """Add scores to their bin. Returns False, and adds nothing, when there is no room for another bin."""
        start = at_ms - at_ms % self.width_ms
        if not self.bins or self.bins[-1].start_ms != start:
            if len(self.bins) >= self.limit:
                self.next_ms = start
                return False
            self.bins.append(Bin(start))
        self.bins[-1].add(count, total, peak)
        return True

    def drop_last(self) -> None:
        """Drop the last bin, which is not complete. The next answer begins with it."""
        self.next_ms = self.bins.pop().start_ms


class ScoreStore:
    """Reads `CameraKeys.scores` and `CameraKeys.minutes`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def frames(
        self, camera_id: str, from_ms: int, to_ms: int, limit: int, after: str | None
    ) -> tuple[list[tuple[str, Score]], str | None]:
        """Scores with their ids, oldest first, and the id to continue after when there are more."""
        scores: list[tuple[str, Score]] = []
        async for entry_id, score in self._scores(camera_id, from_ms, to_ms, after):
            if len(scores) == limit:
                return scores, scores[-1][0]
            scores.append((entry_id.decode(), score))
        return scores, None

    async def latest(self, camera_id: str) -> Score | None:
        with translated():
            entries = await self._bus.xrevrange(self._keys(camera_id).scores, count=1)
        return readable(Score.decode, entries[0][1], _named(entries[0][0])) if entries else None

    async def bins(self, camera_id: str, from_ms: int, to_ms: int, width_ms: int, limit: int) -> Binning:
        """Mean and peak per bin. Whole minutes come from the stream of minutes, the rest from single frames."""
        binning = Binning(width_ms, limit)
        start_ms = from_ms
        if width_ms >= MINUTE_MS:
            minutes = self._minutes(camera_id, from_ms, to_ms)
            async for minute in _by_time(minutes, lambda minute: minute.minute_ms, await self._was_set(camera_id)):
                if not binning.add(minute.minute_ms, minute.count, minute.total, minute.peak):
                    return binning
                start_ms = minute.minute_ms + MINUTE_MS  # the current minute is not in that stream yet
        await self._add_frames(binning, camera_id, start_ms, to_ms)
        return binning

    async def _add_frames(self, binning: Binning, camera_id: str, from_ms: int, to_ms: int) -> None:
        scanned = 0
        scores = (score async for _, score in self._scores(camera_id, from_ms, to_ms))
        async for score in _by_time(scores, lambda score: score.captured_at_ns, await self._was_set(camera_id)):
            scanned += 1
            if not binning.add(score.captured_at_ns // 1_000_000, 1, score.score, score.score):
                return
            if scanned >= _MAX_SCANNED and len(binning.bins) > 1:
                binning.drop_last()
                return

    async def _scores(
        self, camera_id: str, from_ms: int, to_ms: int, after: str | None = None
    ) -> AsyncIterator[tuple[bytes, Score]]:
        """Scores of frames captured between two times of the wall clock, in the order of their capture."""
        async for entry_id, fields in self._walk(camera_id, self._keys(camera_id).scores, from_ms, to_ms, after):
            score = readable(Score.decode, fields, _named(entry_id))
            if score is not None and from_ms <= score.captured_at_ns // 1_000_000 <= to_ms:
                yield entry_id, score

    async def _minutes(self, camera_id: str, from_ms: int, to_ms: int) -> AsyncIterator[ScoreMinute]:
        """Minutes that begin between two times of the wall clock. The id of an entry is that of the last score of its
        minute, or the start of the minute."""
        until_ms = to_ms + MINUTE_MS
        async for entry_id, fields in self._walk(camera_id, self._keys(camera_id).minutes, from_ms, until_ms):
            minute = readable(partial(ScoreMinute.decode, _milliseconds(entry_id)), fields, f"minute {entry_id!r}")
            if minute is not None and from_ms <= minute.minute_ms <= to_ms:
                yield minute

    async def _walk(
        self, camera_id: str, key: str, from_ms: int, to_ms: int, after: str | None = None
    ) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
        """The entries that lie between two times of the wall clock. Their ids are times of the camera's own clock."""
        for first_ms, last_ms in (await self._eras(camera_id)).own_ranges(from_ms, to_ms):
            if after is not None and last_ms < _milliseconds(after.encode()):
                continue
            start = f"({after}" if after is not None and _milliseconds(after.encode()) >= first_ms else str(first_ms)
            while True:
                entries = await self._range(key, start, str(last_ms), _PAGE)
                for entry in entries:
                    yield entry
                if len(entries) < _PAGE:
                    break
                start = f"({entries[-1][0].decode()}"

    async def _eras(self, camera_id: str) -> Eras:
        with translated():
            return Eras.from_record(await self._bus.hget(self._keys(camera_id).state, "eras"))

    async def _was_set(self, camera_id: str) -> bool:
        """Whether the wall clock was set while these scores were made. If so, they may not be in its order."""
        return len(await self._eras(camera_id)) > 1

    async def _range(self, key: str, start: str, stop: str, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        with translated():
            entries = await self._bus.xrange(key, min=start, max=stop, count=count)
        return entries or []

    def _keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self._partitions)


async def _by_time(
    records: AsyncIterator[_T], time_of: Callable[[_T], int], may_be_unsorted: bool
) -> AsyncIterator[_T]:
    if not may_be_unsorted:
        async for record in records:
            yield record
        return
    unsorted: list[_T] = []
    async for record in records:
        unsorted.append(record)
        if len(unsorted) >= _MAX_SCANNED:
            break
    for record in sorted(unsorted, key=time_of):
        yield record


def _named(entry_id: bytes) -> str:
    return f"score {entry_id.decode()}"


def _milliseconds(entry_id: bytes) -> int:
    return int(entry_id.split(b"-")[0])
