"""The account of a camera: where each captured frame is, or what became of it.

    captured = scored + dropped by reason + queued + in flight

Every captured frame takes the next sequence number. The queue's entries carry why numbers before them are missing
(`FrameGaps`); the inference worker commits what it decided up to its position. `Account` puts both together, read in
one transaction, and counts what is in the queue by its length, so that a frame that vanished shows as ``unaccounted``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.streams import Entry, StreamInfo, entry_ms
from patchwatch.contract.bounds import counted
from patchwatch.messages.cameras.analysis_status import DropReason
from patchwatch.messages.cameras.capture_status import CaptureStatus
from patchwatch.messages.frames.frame import FrameGaps

READS = 3
_DROPPED = b"dropped:"


class QueuePosition(NamedTuple):
    """A sequence number with the gaps up to it."""

    seq: int
    gaps: FrameGaps

    def missing_until(self, later: QueuePosition) -> FrameGaps:
        return later.gaps.since(self.gaps)


@dataclass(frozen=True)
class QueueExtent:
    """A camera's stream of frames: ``first`` and ``head`` are the oldest and newest in it, ``length`` is counted."""

    length: int
    first: QueuePosition | None
    head: QueuePosition
    exists: bool

    @classmethod
    def from_stream(cls, info: StreamInfo | None, committed: QueuePosition) -> QueueExtent:
        """``info`` is None for a stream that does not exist."""
        if info is None:
            return cls(0, None, QueuePosition(0, FrameGaps()), False)
        return cls(info.length, _position(info.first_entry), stream_head(info, committed), True)

    def after(self, committed: QueuePosition) -> int:
        """Frames in the queue after the committed position; those up to it are kept for a while as history."""
        if self.first is None or self.first.seq > committed.seq:
            return self.length
        missing = self.first.missing_until(committed)
        kept = committed.seq - self.first.seq + 1 - missing.unpublished - missing.lost
        return self.length - min(self.length, kept)

    def pushed_out(self, committed: QueuePosition) -> int:
        """Frames after the committed position that newer ones pushed out, not counted by the inference worker yet."""
        if self.head.seq <= committed.seq:
            return 0
        oldest = self.first or QueuePosition(self.head.seq + 1, self.head.gaps)
        missing = committed.missing_until(oldest)
        return max(0, oldest.seq - committed.seq - 1 - missing.unpublished - missing.lost)


@dataclass(frozen=True)
class Account:
    """The account of one camera at one moment.

    ``captured`` leaves out ``lost`` frames, of which Redis has lost the record. ``since_ms``: when the queue was made,
    or created again after such a loss. ``committed`` holds the drops that are committed and can only grow; ``dropped``
    also those that are certain to be. ``in_flight``: numbered, and on its way to Redis or waiting for room there.
    """

    captured: int
    scored: int
    committed: dict[str, int]
    dropped: dict[str, int]
    queued: int
    in_flight: int
    lost: int
    since_ms: int | None

    @property
    def unaccounted(self) -> int:
        """Frames that are nowhere: anything but 0 is a defect."""
        return self.captured - self.scored - sum(self.dropped.values()) - self.queued - self.in_flight

    @classmethod
    def from_reads(
        cls, capture: CaptureStatus | None, counters: dict[bytes, bytes], committed: QueuePosition, queue: QueueExtent
    ) -> Account:
        """Balance what the three writers say: the capture its status, the inference worker its counters and the
        committed position, and Redis the extent of the queue, all read in one transaction.

        A frame beyond both the queue and the commit was either given up before it reached Redis, or is in flight.
        """
        known = max(queue.head.seq, committed.seq)
        beyond = max(0, (capture.captured if capture else 0) - known)
        gaps = max(queue.head.gaps, committed.gaps, key=lambda gaps: (gaps.since_ms, gaps.unpublished))
        unpublished = min(beyond, max(0, capture.unpublished - gaps.unpublished)) if capture else 0
        rest = beyond - unpublished
        missing = committed.missing_until(queue.head) if queue.head.seq > committed.seq else FrameGaps()
        decided = _drops(counters)
        lost = counted(counters.get(b"lost")) + missing.lost + (0 if queue.exists else rest)
        certain = Counter(decided)
        certain[DropReason.UNPUBLISHED.value] += missing.unpublished + unpublished
        certain[DropReason.QUEUE_FULL.value] += queue.pushed_out(committed)
        return cls(
            captured=known + beyond - lost,
            scored=counted(counters.get(b"scored")),
            committed=decided,
            dropped=dict(+certain),
            queued=queue.after(committed),
            in_flight=rest if queue.exists else 0,
            lost=lost,
            since_ms=gaps.since_ms or None,
        )


def queue_reads(pipe: Any, camera_keys: CameraKeys) -> None:
    """Queue the reads of an account, `READS` of them, in a transaction of either client. See `account_from_answers`."""
    pipe.hgetall(camera_keys.counters)
    pipe.hmget(camera_keys.state, "seq", "books")
    pipe.xinfo_stream(camera_keys.frames)


def account_from_answers(capture: CaptureStatus | None, answers: list[Any]) -> Account:
    """The account, from the capture's status as read in the same transaction."""
    counters, state, frames = answers
    for answer in (counters, state):
        if isinstance(answer, Exception):
            raise answer
    committed = committed_position(*state)
    return Account.from_reads(
        capture, counters, committed, QueueExtent.from_stream(StreamInfo.from_answer(frames), committed)
    )


def committed_position(seq: bytes | None, gaps: bytes | None) -> QueuePosition:
    """From the fields ``seq`` and ``books`` of a camera's state."""
    return QueuePosition(counted(seq), FrameGaps.decode(gaps) or FrameGaps())


def stream_head(info: StreamInfo, committed: QueuePosition) -> QueuePosition:
    """The newest number that a stream has had, with the gaps up to it.

    Frames after the last entry, or after the committed one where there is none, were lost with a server that ended:
    live pictures are not in its append-only file (`patchwatch.bus.writes`).
    """
    seq = entry_ms(info.last_id)
    newest = _position(info.last_entry) or QueuePosition(0, FrameGaps())
    known = max(committed, newest, key=lambda position: position.seq)
    return QueuePosition(seq, replace(known.gaps, lost=known.gaps.lost + max(0, seq - known.seq)))


def _position(entry: Entry | None) -> QueuePosition | None:
    if entry is None:
        return None
    entry_id, fields = entry
    return QueuePosition(int(entry_id.split(b"-")[0]), FrameGaps.from_fields(fields) or FrameGaps())


def _drops(counters: dict[bytes, bytes]) -> dict[str, int]:
    return {
        name.removeprefix(_DROPPED).decode(errors="replace"): counted(count)
        for name, count in sorted(counters.items())
        if name.startswith(_DROPPED)
    }
