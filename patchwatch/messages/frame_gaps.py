"""The capture's part of a camera's account: travels with every frame and tells why numbers before it are missing."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from patchwatch.contract.bounds import LARGEST, LATEST_MS

# version, unpublished, lost, since_ms
_LAYOUT = struct.Struct("<BQQQ")
VERSION = 1
_FIELD = b"b"


@dataclass(frozen=True, slots=True)
class FrameGaps:
    """Sequence numbers that are missing from a camera's queue, counted up to the frame this travels with.

    ``unpublished`` never reached Redis; ``lost`` did, and Redis lost them or the record of what became of them
    (FLUSHALL, a restart without persistence or with an older snapshot). A number missing for neither reason was pushed
    out of a full queue. ``since_ms``: when these books began, which is when the queue was made, or made again.
    """

    unpublished: int = 0
    lost: int = 0
    since_ms: int = 0

    def encode(self) -> bytes:
        return _LAYOUT.pack(VERSION, self.unpublished, self.lost, self.since_ms)

    @classmethod
    def decode(cls, data: bytes | None) -> FrameGaps | None:
        """None where there are none, or none of a version known here."""
        if data is None or len(data) != _LAYOUT.size or data[0] != VERSION:
            return None
        unpublished, lost, since_ms = _LAYOUT.unpack(data)[1:]
        if max(unpublished, lost) > LARGEST or since_ms > LATEST_MS:
            return None
        return cls(unpublished, lost, since_ms)

    def on(self, fields: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """The fields of a queue entry with these books beside them."""
        return {**fields, _FIELD: self.encode()}

    @classmethod
    def beside(cls, fields: dict[bytes, bytes]) -> FrameGaps | None:
        """The books that came with a queue entry."""
        return cls.decode(fields.get(_FIELD))

    def since(self, earlier: FrameGaps) -> FrameGaps:
        """What was missing between two frames."""
        unpublished, lost = self.unpublished - earlier.unpublished, self.lost - earlier.lost
        return FrameGaps(max(0, unpublished), max(0, lost), self.since_ms)
