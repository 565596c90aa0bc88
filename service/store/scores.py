"""Scores of a camera over time: per frame, or gathered into bins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import translated
from patchwatch.keys import CameraKeys
from patchwatch.messages.score import Score, ScoreMinute
from patchwatch.stored import readable

MINUTE_MS = 60_000
_PAGE = 1000
_SCAN_AT_MOST = 100_000  # frames read for one answer; the answer then ends early and says where to go on


@dataclass
class Bin:
    """Scores between ``start_ms`` and the start of the next bin."""

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
        """False when the bins are full: nothing was added."""
        start = at_ms - at_ms % self.width_ms
        if not self.bins or self.bins[-1].start_ms != start:
            if len(self.bins) >= self.limit:
                self.next_ms = start
                return False
            self.bins.append(Bin(start))
        self.bins[-1].add(count, total, peak)
        return True

    def give_back_last(self) -> None:
        """Drop the bin that is not complete; the next answer begins with it."""
        self.next_ms = self.bins.pop().start_ms


class ScoreStore:
    """Reads `CameraKeys.scores` and `CameraKeys.minutes`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def frames(
        self, camera_id: str, from_ms: int, to_ms: int, limit: int, after: str | None
    ) -> tuple[list[tuple[str, Score]], str | None]:
        """Scores in order with their ids, and the id to go on after when there are more."""
        start = f"({after}" if after else str(from_ms)
        entries = await self._range(self._keys(camera_id).scores, start, str(to_ms), limit + 1)
        read = [(entry_id.decode(), readable(Score.decode, fields, _named(entry_id))) for entry_id, fields in entries]
        scores = [(entry_id, score) for entry_id, score in read[:limit] if score is not None]
        return scores, read[limit - 1][0] if len(read) > limit else None

    async def latest(self, camera_id: str) -> Score | None:
        with translated():
            entries = await self._bus.xrevrange(self._keys(camera_id).scores, count=1)
        return readable(Score.decode, entries[0][1], _named(entries[0][0])) if entries else None

    async def bins(self, camera_id: str, from_ms: int, to_ms: int, width_ms: int, limit: int) -> Binning:
        """Mean and peak per bin. Whole minutes come from the minutes' stream, the rest from single frames."""
        binning = Binning(width_ms, limit)
        start_ms = from_ms
        if width_ms >= MINUTE_MS:
            async for entry_id, fields in self._walk(self._keys(camera_id).minutes, from_ms, to_ms):
                minute = readable(partial(ScoreMinute.decode, _milliseconds(entry_id)), fields, f"minute {entry_id!r}")
                if minute is None:
                    continue
                if not binning.add(minute.minute_ms, minute.count, minute.total, minute.peak):
                    return binning
                start_ms = minute.minute_ms + MINUTE_MS  # the minute that still runs is not in that stream yet
        await self._add_frames(binning, camera_id, start_ms, to_ms)
        return binning

    async def _add_frames(self, binning: Binning, camera_id: str, from_ms: int, to_ms: int) -> None:
        scanned = 0
        async for entry_id, fields in self._walk(self._keys(camera_id).scores, from_ms, to_ms):
            scanned += 1
            read = readable(Score.decode, fields, _named(entry_id))
            if read is not None and not binning.add(_milliseconds(entry_id), 1, read.score, read.score):
                return
            if scanned >= _SCAN_AT_MOST and len(binning.bins) > 1:
                binning.give_back_last()
                return

    async def _walk(self, key: str, from_ms: int, to_ms: int) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
        start = str(from_ms)
        while True:
            entries = await self._range(key, start, str(to_ms), _PAGE)
            for entry in entries:
                yield entry
            if len(entries) < _PAGE:
                return
            start = f"({entries[-1][0].decode()}"

    async def _range(self, key: str, start: str, stop: str, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        with translated():
            entries = await self._bus.xrange(key, min=start, max=stop, count=count)
        return entries or []

    def _keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.of(camera_id, self._partitions)


def _named(entry_id: bytes) -> str:
    return f"score {entry_id.decode()}"


def _milliseconds(entry_id: bytes) -> int:
    return int(entry_id.split(b"-")[0])
