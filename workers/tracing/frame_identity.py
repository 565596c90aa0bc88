"""Which frames are traced, and the ids of their traces: computed alike by every process, so that none has to tell."""

from __future__ import annotations

import hashlib

from patchwatch.messages.frames.frame import FrameMessage

_TRACE_BYTES = 16
_SPAN_BYTES = 8


def is_traced(seq: int, one_in: int) -> bool:
    """Whether a frame is one of those that are traced, by its sequence number."""
    return seq % one_in == 0


def trace_ids(camera_id: str, message: FrameMessage) -> tuple[int, int]:
    """The ids of a frame's trace, 128 bits, and of its outermost span, 64 bits. The time of capture is part of it: a
    camera that is removed and added again counts from 1."""
    name = f"{camera_id} {message.seq} {message.captured_at_ns}".encode()
    digest = hashlib.blake2b(name, digest_size=_TRACE_BYTES + _SPAN_BYTES).digest()
    return int.from_bytes(digest[:_TRACE_BYTES], "big") or 1, int.from_bytes(digest[_TRACE_BYTES:], "big") or 1
