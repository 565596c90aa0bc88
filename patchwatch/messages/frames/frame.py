"""A frame in the queue: a fixed header and a JPEG. The stream entry's id is ``<seq>-0``."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntFlag

from patchwatch.contract.bounds import LARGEST, LATEST_MS
from patchwatch.contract.errors import InvalidMessageError

# version, flags, width, height, source_width, source_height, captured_at_ns, media_time_ns
_HEADER = struct.Struct("<BBHHHHqq")
VERSION = 1
_LATE = b"l"
_PRECEDING = b"e"
_AHEAD = struct.Struct("<q")  # ahead_ns, before the JPEG
_HIDDEN = b"p"
_MOST_LATE = re.compile(rb"\d{1,9}")
# version, unpublished, lost, since_ms
_GAPS = struct.Struct("<BQQQ")
_GAPS_VERSION = 1
_GAPS_FIELD = b"b"


class FrameFlag(IntFlag):
    """Facts about a frame that decide how it may be treated."""

    LIVE = 1  # may be dropped when late; unset: lossless
    DISCONTINUITY = 2  # first frame after a (re)connect, seek or loop: compare it with no earlier frame
    PREDICTED = 4  # no picture since the frame before was coded on its own: what is unchanged may not have been sent


@dataclass(frozen=True, slots=True)
class PrecedingPicture:
    """The camera's picture ``ahead_ns`` before a frame, which is an interval of the configured rate; as JPEG.

    It travels with frames of a lowered rate, so that movement is measured over the interval that was learnt. It is not
    scored, and no frame of its own.
    """

    ahead_ns: int
    jpeg: bytes

    def encode(self) -> bytes:
        return _AHEAD.pack(self.ahead_ns) + self.jpeg

    @classmethod
    def decode(cls, data: bytes) -> PrecedingPicture:
        """Raises `ValueError` when it is truncated or not before its frame."""
        if len(data) <= _AHEAD.size:
            raise ValueError("its preceding picture is truncated")
        (ahead_ns,) = _AHEAD.unpack_from(data)
        if ahead_ns <= 0:
            raise ValueError("its preceding picture is not before it")
        return cls(ahead_ns, data[_AHEAD.size :])


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """One sampled frame of one camera.

    ``seq`` rises by one per captured frame of a camera, without gaps, over restarts: a gap at the reader is a
    dropped frame. ``captured_at_ns`` is wall-clock time of capture (Unix epoch); it rises strictly within a
    connection, unless that clock is set back. ``media_time_ns`` is the time since the source's first frame by its PTS.
    ``late_ms``: how long after its capture it arrived, by a monotonic clock. ``hidden``: of the privacy zones that it
    was blackened for, `marks_of`. ``preceding``: while the rate is lowered.
    """

    seq: int
    captured_at_ns: int
    media_time_ns: int
    width: int
    height: int
    source_width: int
    source_height: int
    flags: FrameFlag
    jpeg: bytes
    late_ms: int = 0
    hidden: bytes = b""
    preceding: PrecedingPicture | None = None

    @property
    def live(self) -> bool:
        return FrameFlag.LIVE in self.flags

    @property
    def discontinuity(self) -> bool:
        return FrameFlag.DISCONTINUITY in self.flags

    @property
    def predicted(self) -> bool:
        return FrameFlag.PREDICTED in self.flags

    @property
    def entry_id(self) -> str:
        return f"{self.seq}-0"

    def encode(self) -> dict[bytes, bytes]:
        """Fields of the stream entry."""
        header = _HEADER.pack(
            VERSION, self.flags, self.width, self.height, self.source_width, self.source_height,
            self.captured_at_ns, self.media_time_ns,
        )  # fmt: skip
        late = {_LATE: b"%d" % min(self.late_ms, 999_999_999)} if self.late_ms > 0 else {}
        hidden = {_HIDDEN: self.hidden} if self.hidden else {}
        preceding = {_PRECEDING: self.preceding.encode()} if self.preceding else {}
        return {b"h": header, b"j": self.jpeg} | late | hidden | preceding

    @classmethod
    def decode(cls, entry_id: bytes, fields: dict[bytes, bytes]) -> FrameMessage:
        """Raises `InvalidMessageError` on a truncated entry or an unknown version."""
        try:
            version, flags, width, height, source_width, source_height, captured, media = _HEADER.unpack(fields[b"h"])
            seq, jpeg = int(entry_id.split(b"-")[0]), fields[b"j"]
            preceding = PrecedingPicture.decode(fields[_PRECEDING]) if _PRECEDING in fields else None
        except (KeyError, ValueError, struct.error) as error:
            raise InvalidMessageError(f"frame {entry_id!r} is truncated or not a frame ({error})") from None
        if version != VERSION:
            raise InvalidMessageError(f"frame {entry_id!r} has version {version}, known is {VERSION}")
        if not (width and height and source_width and source_height):
            raise InvalidMessageError(f"frame {entry_id!r} has no size")
        if captured < 0:
            raise InvalidMessageError(f"frame {entry_id!r} was captured before 1970")
        given = fields.get(_LATE, b"0")
        late_ms = int(given) if _MOST_LATE.fullmatch(given) else 0
        return cls(
            seq, captured, media, width, height, source_width, source_height, FrameFlag(flags), jpeg, late_ms,
            fields.get(_HIDDEN, b""), preceding,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrameGaps:
    """Sequence numbers that are missing from a camera's queue, counted up to the frame this travels with.

    ``unpublished`` never reached Redis; ``lost`` did, and Redis lost them or the record of what became of them
    (FLUSHALL, a restart without persistence or with an older snapshot). A number missing for neither reason was pushed
    out of a full queue. ``since_ms``: when counting began, which is when the queue was created, or created again.
    """

    unpublished: int = 0
    lost: int = 0
    since_ms: int = 0

    def encode(self) -> bytes:
        return _GAPS.pack(_GAPS_VERSION, self.unpublished, self.lost, self.since_ms)

    @classmethod
    def decode(cls, data: bytes | None) -> FrameGaps | None:
        """None where there are none, or of an unknown version."""
        if data is None or len(data) != _GAPS.size or data[0] != _GAPS_VERSION:
            return None
        unpublished, lost, since_ms = _GAPS.unpack(data)[1:]
        if max(unpublished, lost) > LARGEST or since_ms > LATEST_MS:
            return None
        return cls(unpublished, lost, since_ms)

    def added_to(self, fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """The fields of a queue entry together with these gaps."""
        return {**fields, _GAPS_FIELD: self.encode()}

    @classmethod
    def from_fields(cls, fields: dict[bytes, bytes]) -> FrameGaps | None:
        """The gaps that came with a queue entry."""
        return cls.decode(fields.get(_GAPS_FIELD))

    def since(self, earlier: FrameGaps) -> FrameGaps:
        """What was missing between two frames."""
        unpublished, lost = self.unpublished - earlier.unpublished, self.lost - earlier.lost
        return FrameGaps(max(0, unpublished), max(0, lost), self.since_ms)
