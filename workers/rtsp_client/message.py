"""One RTSP message, or one packet between them, as it stands on a connection to a camera."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_MAX_LINES = 100
_MAX_BODY = 1 << 20
LINE_LIMIT = 1 << 16  # of the readers; the longest line, and the longest packet
_INTERLEAVED = b"$"


class MalformedError(ValueError):
    """What came is no RTSP, or beyond all bounds."""


@dataclass(frozen=True)
class Packet:
    """Media or RTCP between the messages (RFC 2326, 10.12)."""

    data: bytes


@dataclass(frozen=True)
class RtspMessage:
    """A request or an answer. ``headers`` in order, as they came."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def is_answer(self) -> bool:
        return self.start.startswith("RTSP/")

    @property
    def status(self) -> int:
        """Of an answer; 0 when it has none."""
        words = self.start.split(" ", 2)
        return int(words[1]) if self.is_answer and len(words) > 1 and words[1].isdecimal() else 0

    @property
    def method(self) -> str:
        return self.start.partition(" ")[0]

    @property
    def uri(self) -> str:
        """Of a request."""
        return self.start.partition(" ")[2].rpartition(" ")[0]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def having(self, name: str, value: str) -> RtspMessage:
        """With this header in place of others of its name."""
        return RtspMessage(self.start, (*self.without(name).headers, (name, value)), self.body)

    def without(self, name: str) -> RtspMessage:
        return RtspMessage(
            self.start, tuple(pair for pair in self.headers if pair[0].lower() != name.lower()), self.body
        )

    def encode(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


async def read(reader: asyncio.StreamReader) -> RtspMessage | Packet | None:
    """The next message or packet; None at the end of the connection. Raises `MalformedError`."""
    try:
        first = await reader.readexactly(1)
        if first == _INTERLEAVED:
            head = await reader.readexactly(3)
            return Packet(first + head + await reader.readexactly(int.from_bytes(head[1:], "big")))
        return await _message(reader, first)
    except asyncio.IncompleteReadError:
        return None
    except ValueError as error:  # of `readline`: a line without end
        raise MalformedError(str(error)) from None


async def _message(reader: asyncio.StreamReader, first: bytes) -> RtspMessage | None:
    lines: list[str] = []
    for _ in range(_MAX_LINES):
        line = first + await reader.readline()
        first = b""
        if not line.endswith(b"\n"):
            return None
        text = line.decode("latin-1").rstrip("\r\n")
        if text:
            lines.append(text)
        elif lines:  # blank lines before a message are left out
            break
    else:
        raise MalformedError("a message of too many lines")
    message = RtspMessage(lines[0], tuple(_header(line) for line in lines[1:] if ":" in line))
    return RtspMessage(message.start, message.headers, await _body(reader, message.get("Content-Length")))


async def _body(reader: asyncio.StreamReader, length: str | None) -> bytes:
    if length is None:
        return b""
    if not (length.isascii() and length.isdecimal() and len(length) < 9) or int(length) > _MAX_BODY:
        raise MalformedError("a body of a length that cannot be")
    return await reader.readexactly(int(length))


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
