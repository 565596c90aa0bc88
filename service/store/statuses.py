"""What the workers say of each camera, read in one go so that the figures belong together."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import accounting, keys
from patchwatch.bus.accounting import Account
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.analysis_status import AnalysisStatus
from patchwatch.messages.capture_status import CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat
from patchwatch.messages.score import Score

_FIELDS = accounting.READS + 5
_AT_ONCE = 50  # cameras read in one transaction: Redis answers others in between
_LONG_LOOK_S = 0.1
_AHEAD_S = 10  # a beat further in the future is of a time when Redis' clock was ahead: who wrote it is silent since


@dataclass(frozen=True)
class CameraRecord:
    """All that is known of a camera at one moment. ``ingest_worker`` and ``inference_worker`` are the ids of those that
    hold its leases now."""

    capture: CaptureStatus | None
    analysis: AnalysisStatus | None
    account: Account
    last_score: Score | None
    ingest_worker: str | None
    inference_worker: str | None


class StatusStore:
    """Reads the workers' records and beats."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions
        self._looking: asyncio.Task[list[Heartbeat]] | None = None
        self._good_until_s = 0.0

    async def read(self, camera_ids: list[str]) -> list[CameraRecord]:
        """One record per camera, each consistent in itself."""
        records: list[CameraRecord] = []
        for start in range(0, len(camera_ids), _AT_ONCE):
            records += await self._read(camera_ids[start : start + _AT_ONCE])
            await asyncio.sleep(0)  # decoding takes its time
        return records

    async def _read(self, camera_ids: list[str]) -> list[CameraRecord]:
        with translated():
            async with self._bus.pipeline(transaction=True) as pipe:
                for camera_id in camera_ids:
                    names = CameraKeys.for_camera(camera_id, self._partitions)
                    accounting.queue_reads(pipe, names)
                    pipe.get(names.capture)
                    pipe.get(names.analysis)
                    pipe.xrevrange(names.scores, count=1)
                    pipe.get(keys.LeaseKeys.for_capture(camera_id, self._partitions).lease)
                    pipe.get(keys.lease(names.partition))
                answers: list[Any] = await pipe.execute(raise_on_error=False)
        return [_record(answers[i : i + _FIELDS]) for i in range(0, len(answers), _FIELDS)]

    async def beats(self) -> list[Heartbeat]:
        """Living workers of every role.

        Looks through the names of all keys, so whoever asks meanwhile waits for the same look; one that took long
        is good for a while.
        """
        if self._looking is None or (self._looking.done() and time.monotonic() >= self._good_until_s):
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> list[Heartbeat]:
        began_s = time.monotonic()
        with translated():
            names = [name async for name in self._bus.scan_iter(keys.worker("*", "*"), count=1000)]
            found = await self._bus.mget(names) if names else []
            seconds, _ = await self._bus.time()
        took_s = time.monotonic() - began_s
        self._good_until_s = time.monotonic() + (min(5.0, 10 * took_s) if took_s > _LONG_LOOK_S else 0.0)
        beats = [readable(Heartbeat.decode, data, f"beat {name!r}") for name, data in zip(names, found, strict=True)]
        latest_ms = (seconds + _AHEAD_S) * 1000
        return [beat for beat in beats if beat is not None and beat.updated_at_ms <= latest_ms]


def _record(answers: list[Any]) -> CameraRecord:
    *account, capture, analysis, scores, capturing, scoring = answers
    for answer in (capture, analysis, scores, capturing, scoring):
        if isinstance(answer, Exception):
            raise answer
    status = readable(CaptureStatus.decode, capture, "a capture's status")
    return CameraRecord(
        capture=status,
        analysis=readable(AnalysisStatus.decode, analysis, "an analysis' status"),
        account=accounting.account_from_answers(status, account),
        last_score=readable(Score.decode, scores[0][1], "the last score") if scores else None,
        ingest_worker=_worker(capturing),
        inference_worker=_worker(scoring),
    )


def _worker(lease: bytes | None) -> str | None:
    return lease.decode(errors="replace").rpartition(":")[0] if lease else None
