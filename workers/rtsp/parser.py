"""Bytes in, RTSP messages and packets out. Each byte is examined once; anything too long ends the connection."""

from __future__ import annotations

import asyncio
import string
from dataclasses import dataclass, replace

from patchwatch.contract.errors import InvalidMessageError
from workers.rtsp.headers import Headers
from workers.rtsp.message import INTERLEAVED, Packet, Request, Response, printable

BUFFER_BYTES = 65_536  # Per read; an asyncio stream with this limit buffers at most twice as much ahead.
_MAX_METHOD = 32
_PACKET = bytes([INTERLEAVED])
_FIRST_BYTES = b"$ \t" + string.ascii_letters.encode()  # A packet, or a message after blanks.
_TLS_HANDSHAKE = 0x16

Event = Request | Response | Packet


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest message that is accepted: its start line with all headers, and its body."""

    head_bytes: int
    body_bytes: int


class Parser:
    """Parses what one connection receives. `feed` it, then call `next` until it returns None.

    Accepts what devices really send: lines that end without a carriage return, blank lines between messages, header
    names in any case, and values over several lines.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._lines: list[str] = []  # Complete lines of a head that is not complete yet.
        self._line_at = 0
        self._searched = 0
        self._head: tuple[Request | Response, int] | None = None  # A message and the length of its body.

    def feed(self, data: bytes | memoryview) -> None:
        self._buffer += data

    @property
    def empty(self) -> bool:
        """Whether no unfinished message or packet is buffered."""
        return not self._buffer and self._head is None

    @property
    def in_message(self) -> bool:
        """Whether a message, or what is neither message nor packet, has begun."""
        return self._head is not None or self._searched > 0 or self._buffer[:1] not in (b"", _PACKET)

    def next(self) -> Event | None:
        """The next complete message or packet. Raises `InvalidMessageError` for what is not RTSP or too long."""
        if not self._begin():
            return None
        if self._head is None and self._buffer[0] == INTERLEAVED:
            return self._packet()
        self._head = self._head or self._read_head()
        if self._head is None or len(self._buffer) < self._head[1]:
            return None
        message, length = self._head
        body, self._head = bytes(self._buffer[:length]), None
        del self._buffer[:length]
        return replace(message, body=body)

    def take_packets(self) -> tuple[bytes, int]:
        """All complete packets that come next, in one piece as they were received, and their number."""
        buffer, end, number = self._buffer, 0, 0
        if self._head is None and not self._searched:
            while end + 4 <= len(buffer) and buffer[end] == INTERLEAVED:
                following = end + 4 + (buffer[end + 2] << 8 | buffer[end + 3])
                if following > len(buffer):
                    break
                end, number = following, number + 1
        packets = bytes(memoryview(buffer)[:end])
        del buffer[:end]
        return packets, number

    def _begin(self) -> bool:
        """Whether there is anything to parse. Skips blank lines before a message."""
        if self._head is not None:
            return True
        if not self._searched and self._buffer.startswith((b"\r", b"\n")):
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        if self._buffer and self._buffer[0] not in _FIRST_BYTES:
            tls = " but TLS: use rtsp://, not rtsps://" if self._buffer[0] == _TLS_HANDSHAKE else ""
            raise InvalidMessageError("not RTSP" + tls)
        return bool(self._buffer)

    def _packet(self) -> Packet | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        end = 4 + (buffer[2] << 8 | buffer[3])
        if len(buffer) < end:
            return None
        packet = Packet(buffer[1], bytes(memoryview(buffer)[4:end]))
        del buffer[:end]
        return packet

    def _read_head(self) -> tuple[Request | Response, int] | None:
        """Take the head off the buffer once it is complete."""
        limit = self._limits.head_bytes
        while (end := self._buffer.find(b"\n", self._searched, limit)) >= 0:
            line = bytes(self._buffer[self._line_at : end]).rstrip(b"\r").decode("latin-1")
            self._line_at = self._searched = end + 1
            if line:
                self._lines.append(line)
                continue
            lines, self._lines = self._lines, []
            del self._buffer[: end + 1]
            self._line_at = self._searched = 0
            message = _message(lines)
            return message, self._content_length(message.headers)
        self._searched = min(len(self._buffer), limit)
        if len(self._buffer) >= limit:
            raise InvalidMessageError(f"a message of more than {limit} bytes")
        return None

    def _content_length(self, headers: Headers) -> int:
        text = headers.get("Content-Length")
        if text is None:
            return 0
        if len(text) > 9 or not (text.isascii() and text.isdigit()) or int(text) > self._limits.body_bytes:
            raise InvalidMessageError(f"a body of {printable(text, 20)} bytes")
        return int(text)


class MessageReader:
    """Not for two readers at once. Messages longer than ``limits`` raise `InvalidMessageError`."""

    def __init__(self, reader: asyncio.StreamReader, limits: Limits) -> None:
        self._reader = reader
        self._parser = Parser(limits)

    @property
    def between_messages(self) -> bool:
        """Whether no message or packet has been received in part."""
        return self._parser.empty

    def ready(self) -> Event | None:
        """The next message or packet, if it has already been received."""
        return self._parser.next()

    async def detach(self) -> Parser:
        """The parser, with all that has been received so far. Nothing is read here afterwards."""
        self._reader.feed_eof()
        self._parser.feed(await self._reader.read())
        return self._parser

    async def next(self) -> Event | None:
        """The next message or packet; None once the peer has closed, even in the middle of a message."""
        while (event := self._parser.next()) is None:
            await asyncio.sleep(0)  # Lets other connections run, however fast this peer sends.
            data = await self._reader.read(BUFFER_BYTES)
            if not data:
                return None
            self._parser.feed(data)
        return event


def _message(lines: list[str]) -> Request | Response:
    start_line = lines[0].strip()
    if start_line.upper().startswith("RTSP/"):
        return Response(start_line, _headers(lines[1:]))
    method, _, rest = start_line.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not (version.upper().startswith("RTSP/") and len(method) <= _MAX_METHOD and uri.strip()):
        raise InvalidMessageError(f"not RTSP: {printable(lines[0], 40)}")
    return Request(method.upper(), uri.strip(), _headers(lines[1:]))


def _headers(lines: list[str]) -> Headers:
    fields: list[tuple[str, list[str]]] = []
    for line in lines:
        if line[0] in " \t":  # A folded line continues the value before it.
            if fields:
                fields[-1][1].append(line.strip())
            continue
        name, _, value = line.partition(":")
        fields.append((name.strip(), [value.strip()]))
    return Headers(tuple((name, " ".join(parts)) for name, parts in fields))
