"""Which privacy zones a frame was blackened for: told by the frame itself, so that nobody stores or shows one that was
taken before a zone was drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from patchwatch.messages.cameras.zones.polygon import Polygon

MARK_BYTES = 8  # of a polygon


def marks_of(polygons: Sequence[Polygon]) -> bytes:
    """One mark for each polygon, in order; empty without any."""
    return b"".join(map(_mark, polygons))


def covers(marks: bytes, wanted: bytes) -> bool:
    """Whether all polygons of the second marks are among those of the first."""
    return marks == wanted or _split(wanted) <= _split(marks)


def _split(marks: bytes) -> set[bytes]:
    return {marks[start : start + MARK_BYTES] for start in range(0, len(marks), MARK_BYTES)}


def _mark(polygon: Polygon) -> bytes:
    return hashlib.blake2b(json.dumps(polygon).encode(), digest_size=MARK_BYTES).digest()
