"""Frames of one alert in a file that only grows. What a killed worker wrote in part is left out when it is read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from patchwatch.messages.frames.frame import FrameMessage

# sequence number, time of capture (ms), width and height of the camera's own picture, length of the JPEG, its CRC-32
_ENTRY = struct.Struct("<QqHHII")
_LONGEST_JPEG = 64_000_000


@dataclass(frozen=True)
class SpooledFrame:
    """``captured_at_ms``: Unix time. ``source_size``: width and height of the camera's own picture, in pixels."""

    seq: int
    captured_at_ms: int
    source_size: tuple[int, int]
    jpeg: bytes

    @classmethod
    def of_message(cls, message: FrameMessage) -> SpooledFrame:
        size = (message.source_width, message.source_height)
        return cls(message.seq, message.captured_at_ns // 1_000_000, size, message.jpeg)

    def encode(self) -> bytes:
        check = zlib.crc32(self.jpeg)
        return _ENTRY.pack(self.seq, self.captured_at_ms, *self.source_size, len(self.jpeg), check) + self.jpeg


def append(path: Path, frames: Iterable[SpooledFrame]) -> None:
    """Raises `OSError`."""
    data = b"".join(frame.encode() for frame in frames)
    if data:
        with path.open("ab") as file:
            file.write(data)


def read(path: Path) -> Iterator[SpooledFrame]:
    """All whole frames, in the order they were written; none where there is no such file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        while len(prefix := file.read(_ENTRY.size)) == _ENTRY.size:
            seq, at_ms, width, height, length, check = _ENTRY.unpack(prefix)
            if length > _LONGEST_JPEG:
                return
            jpeg = file.read(length)
            if zlib.crc32(jpeg) != check:
                return
            yield SpooledFrame(seq, at_ms, (width, height), jpeg)


def cut_to_whole(path: Path) -> list[SpooledFrame]:
    """The whole frames; the rest of the file is removed, so that what is appended can be read. Raises `OSError`."""
    frames = list(read(path))
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(sum(_ENTRY.size + len(frame.jpeg) for frame in frames))
    return frames
