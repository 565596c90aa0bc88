"""What the workers say of each camera, read in one go so that the figures belong together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from patchwatch import keys
from patchwatch.bus import translated
from patchwatch.keys import CameraKeys
from patchwatch.messages.score import Score
from patchwatch.messages.status import AnalysisStatus, CaptureStatus, DropReason, WorkerBeat

_FIELDS = 6
_DROPPED = b"dropped:"


@dataclass(frozen=True)
class CameraRecord:
    """All that is known of a camera at one moment.

    ``head_seq`` is the last frame that entered the queue, ``first_seq`` the oldest that is still in it; of an empty
    queue the one that would come next.
    """

    capture: CaptureStatus | None
    analysis: AnalysisStatus | None
    counters: dict[bytes, bytes]
    committed_seq: int
    head_seq: int
    first_seq: int
    last_score: Score | None

    @property
    def scored(self) -> int:
        return int(self.counters.get(b"scored", 0))

    @property
    def dropped(self) -> dict[str, int]:
        """By reason, with the frames that left the queue unseen: the inference worker will count them too."""
        return self._by_reason(self.vanished)

    @property
    def dropped_for_certain(self) -> dict[str, int]:
        """By reason, as the inference worker has committed it: never falls. `dropped` may for a moment hold frames
        that left the queue while the worker has them in hand."""
        return self._by_reason(0)

    @property
    def vanished(self) -> int:
        """Frames not decided upon that are not in the queue: newer ones pushed them out, or Redis never had them."""
        pushed_out = max(0, self.first_seq - self.committed_seq - 1)
        behind_head = self.captured - max(self.head_seq, self.committed_seq)
        return pushed_out + min(behind_head, self.capture.unpublished if self.capture else 0)

    @property
    def captured(self) -> int:
        """All frames ever sampled: each takes the next sequence number, published or not."""
        return max(self.capture.captured if self.capture else 0, self.head_seq, self.committed_seq)

    @property
    def in_queue(self) -> int:
        """Frames that wait to be decided upon."""
        return self.captured - self.committed_seq - self.vanished

    @property
    def unaccounted(self) -> int:
        """Frames that were neither scored nor dropped for a known reason; 0 unless there is a defect."""
        return self.captured - self.in_queue - self.scored - sum(self.dropped.values())

    def _by_reason(self, vanished: int) -> dict[str, int]:
        """To the inference worker an unpublished frame is one more gap in the queue; told apart here."""
        found = Counter(
            {
                name.removeprefix(_DROPPED).decode(): int(count)
                for name, count in sorted(self.counters.items())
                if name.startswith(_DROPPED)
            }
        )
        found[DropReason.QUEUE_FULL.value] += vanished
        unpublished = min(self.capture.unpublished if self.capture else 0, found[DropReason.QUEUE_FULL.value])
        if unpublished:
            found[DropReason.UNPUBLISHED.value] = unpublished
            found[DropReason.QUEUE_FULL.value] -= unpublished
        return dict(+found)


class StatusStore:
    """Reads the workers' records and beats."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def read(self, camera_ids: list[str]) -> list[CameraRecord]:
        """One record per camera, each consistent in itself."""
        with translated():
            async with self._bus.pipeline(transaction=True) as pipe:
                for camera_id in camera_ids:
                    names = CameraKeys.of(camera_id, self._partitions)
                    pipe.get(names.capture)
                    pipe.get(names.analysis)
                    pipe.hgetall(names.counters)
                    pipe.hget(names.state, "seq")
                    pipe.xinfo_stream(names.frames)
                    pipe.xrevrange(names.scores, count=1)
                answers: list[Any] = await pipe.execute(raise_on_error=False) if camera_ids else []
        return [_record(answers[i : i + _FIELDS]) for i in range(0, len(answers), _FIELDS)]

    async def beats(self) -> list[WorkerBeat]:
        """Living workers of every role."""
        with translated():
            names = [name async for name in self._bus.scan_iter(keys.worker("*", "*"), count=1000)]
            found = await self._bus.mget(names) if names else []
        return [WorkerBeat.decode(data) for data in found if data is not None]


def _record(answers: list[Any]) -> CameraRecord:
    capture, analysis, counters, seq, frames, scores = answers
    for answer in (capture, analysis, counters, seq, scores):
        if isinstance(answer, Exception):
            raise answer
    head_seq, first_seq = _ends(frames)
    return CameraRecord(
        capture=CaptureStatus.decode(capture) if capture else None,
        analysis=AnalysisStatus.decode(analysis) if analysis else None,
        counters=counters,
        committed_seq=int(seq or 0),
        head_seq=head_seq,
        first_seq=first_seq,
        last_score=Score.decode(scores[0][1]) if scores else None,
    )


def _ends(frames: Any) -> tuple[int, int]:
    """``head_seq`` and ``first_seq`` of a stream by its XINFO, which refuses one that does not exist (yet)."""
    if isinstance(frames, Exception):
        return 0, 1
    head_seq = int(frames["last-generated-id"].split(b"-")[0])
    first = frames["first-entry"]
    return head_seq, int(first[0].split(b"-")[0]) if first else head_seq + 1
