"""The workers' records of each camera, read in one transaction so that they are consistent, and their heartbeats."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import accounting, keys
from patchwatch.bus.accounting import Account
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.verdict import COUNTED_WORDS, VerdictCounts
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.capture_status import CaptureStatus
from patchwatch.messages.frames.score import Score
from patchwatch.messages.heartbeat import Heartbeat

_FIELDS = accounting.READS + 6 + len(COUNTED_WORDS)
_CAMERAS_AT_ONCE = 50  # read in one transaction, so that Redis answers others in between
_SLOW_SCAN_S = 0.1
# A heartbeat further in the future was written while the clock of Redis was ahead, by a worker that is silent since.
_MAX_AHEAD_S = 10


@dataclass(frozen=True)
class CameraRecord:
    """All that is known of a camera at one moment.

    ``ingest_worker``, ``inference_worker``: ids of the workers that hold the leases of its capture and its partition.
    """

    capture: CaptureStatus | None
    analysis: AnalysisStatus | None
    account: Account
    last_score: Score | None
    ingest_worker: str | None
    inference_worker: str | None
    verdicts: VerdictCounts = field(default_factory=VerdictCounts)
    memory: MemoryStatus | None = None


class StatusStore:
    """Reads the records and heartbeats of the workers."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions
        self._reading: asyncio.Task[list[Heartbeat]] | None = None
        self._valid_until_s = 0.0

    async def read(self, camera_ids: list[str]) -> list[CameraRecord]:
        """One record per camera, in the order given, each consistent in itself."""
        records: list[CameraRecord] = []
        for start in range(0, len(camera_ids), _CAMERAS_AT_ONCE):
            records += await self._read(camera_ids[start : start + _CAMERAS_AT_ONCE])
            await asyncio.sleep(0)  # decoding takes time in which other requests wait
        return records

    async def work(self, camera_ids: list[str]) -> list[tuple[CaptureStatus | None, AnalysisStatus | None]]:
        """What the workers say of each camera, in the order given: the part of a record that takes little to read."""
        answers: list[Any] = []
        for start in range(0, len(camera_ids), _CAMERAS_AT_ONCE):
            with translated():
                async with self._bus.pipeline(transaction=False) as pipe:
                    for camera_id in camera_ids[start : start + _CAMERAS_AT_ONCE]:
                        names = CameraKeys.for_camera(camera_id, self._partitions)
                        pipe.get(names.capture)
                        pipe.get(names.analysis)
                    answers += await pipe.execute()
        return [_work(capture, analysis) for capture, analysis in zip(answers[::2], answers[1::2], strict=True)]

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
                    pipe.hget(keys.MEMORIES, camera_id)
                    for word in COUNTED_WORDS:
                        pipe.zcard(names.reviewed[word])
                answers: list[Any] = await pipe.execute(raise_on_error=False)
        return [_record(answers[i : i + _FIELDS]) for i in range(0, len(answers), _FIELDS)]

    async def heartbeats(self) -> list[Heartbeat]:
        """The heartbeats of all workers that are alive.

        This scans the names of all keys, so concurrent calls share one scan, and the result of a slow scan is used
        again for a while.
        """
        if self._reading is None or (self._reading.done() and time.monotonic() >= self._valid_until_s):
            self._reading = asyncio.create_task(self._read_heartbeats())
        return await asyncio.shield(self._reading)

    async def _read_heartbeats(self) -> list[Heartbeat]:
        began_s = time.monotonic()
        with translated():
            names = [name async for name in self._bus.scan_iter(keys.worker("*", "*"), count=1000)]
            stored = await self._bus.mget(names) if names else []
            seconds, _ = await self._bus.time()
        took_s = time.monotonic() - began_s
        self._valid_until_s = time.monotonic() + (min(5.0, 10 * took_s) if took_s > _SLOW_SCAN_S else 0.0)
        beats = [readable(Heartbeat.decode, data, f"beat {name!r}") for name, data in zip(names, stored, strict=True)]
        latest_ms = (seconds + _MAX_AHEAD_S) * 1000
        return [beat for beat in beats if beat is not None and beat.updated_at_ms <= latest_ms]


def _record(answers: list[Any]) -> CameraRecord:
    answers, counts = answers[: -len(COUNTED_WORDS)], answers[-len(COUNTED_WORDS) :]
    *account, capture, analysis, scores, capturing, scoring, memory = answers
    for answer in (capture, analysis, scores, capturing, scoring, memory, *counts):
        if isinstance(answer, Exception):
            raise answer
    status, analysed = _work(capture, analysis)
    return CameraRecord(
        capture=status,
        analysis=analysed,
        account=accounting.account_from_answers(status, account),
        last_score=readable(Score.decode, scores[0][1], "the last score") if scores else None,
        ingest_worker=_worker(capturing),
        inference_worker=_worker(scoring),
        verdicts=VerdictCounts(**dict(zip(COUNTED_WORDS, counts, strict=True))),
        memory=readable(MemoryStatus.decode, memory, "what is remembered of a camera"),
    )


def _work(capture: bytes | None, analysis: bytes | None) -> tuple[CaptureStatus | None, AnalysisStatus | None]:
    return (
        readable(CaptureStatus.decode, capture, "a capture's status"),
        readable(AnalysisStatus.decode, analysis, "an analysis' status"),
    )


def _worker(lease: bytes | None) -> str | None:
    return lease.decode(errors="replace").rpartition(":")[0] if lease else None
