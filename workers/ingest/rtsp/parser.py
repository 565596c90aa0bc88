"""Bytes in, RTSP requests and packets out. Each byte is looked at once; whatever is too long ends the connection."""

from __future__ import annotations

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.message import Packet, Request, printable

MAX_HEAD_BYTES = 8192
MAX_BODY_BYTES = 65_536
_MAX_METHOD = 32
_TLS_HANDSHAKE = 0x16


class Parser:
    """One connection's incoming bytes. `feed` it, then take what `next` returns until that is None.

    Takes what publishers really send: lines that end without a carriage return, blank lines between requests, names in
    any case, values over several lines.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[str] = []  # of a head that is not complete yet
        self._line_at = 0
        self._searched = 0
        self._head: tuple[Request, int] | None = None  # and the length of its body

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def empty(self) -> bool:
        """Whether nothing is left of an unfinished request or packet."""
        return not self._buffer and self._head is None

    def next(self) -> Request | Packet | None:
        """The next one that is complete. Raises `InvalidMessageError` for what is no RTSP or too long."""
        if not self._begin():
            return None
        if self._head is None and self._buffer[0] == ord("$"):
            return self._packet()
        self._head = self._head or self._read_head()
        if self._head is None or len(self._buffer) < self._head[1]:
            return None
        request, length = self._head
        body, self._head = bytes(self._buffer[:length]), None
        del self._buffer[:length]
        return Request(request.method, request.uri, request.headers, body)

    def _begin(self) -> bool:
        """Whether there is something to read: line ends before a request are none."""
        if self._head is not None:
            return True
        if not self._searched and self._buffer.startswith((b"\r", b"\n")):
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        if self._buffer and not (self._buffer[:1].isalpha() or self._buffer[0] in b"$ \t"):
            tls = " but TLS: publish to rtsp://, not rtsps://" if self._buffer[0] == _TLS_HANDSHAKE else ""
            raise InvalidMessageError("not RTSP" + tls)
        return bool(self._buffer)

    def _packet(self) -> Packet | None:
        if len(self._buffer) < 4:
            return None
        end = 4 + int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) < end:
            return None
        packet = Packet(self._buffer[1], bytes(self._buffer[4:end]))
        del self._buffer[:end]
        return packet

    def _read_head(self) -> tuple[Request, int] | None:
        """The head, taken off the buffer, once it is complete."""
        while (end := self._buffer.find(b"\n", self._searched, MAX_HEAD_BYTES)) >= 0:
            line = bytes(self._buffer[self._line_at : end]).rstrip(b"\r").decode("latin-1")
            self._line_at = self._searched = end + 1
            if line:
                self._lines.append(line)
                continue
            lines, self._lines = self._lines, []
            del self._buffer[: end + 1]
            self._line_at = self._searched = 0
            return _head(lines)
        self._searched = min(len(self._buffer), MAX_HEAD_BYTES)
        if len(self._buffer) >= MAX_HEAD_BYTES:
            raise InvalidMessageError(f"a request of more than {MAX_HEAD_BYTES} bytes")
        return None


def _head(lines: list[str]) -> tuple[Request, int]:
    method, _, rest = lines[0].strip().partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not (version.upper().startswith("RTSP/") and len(method) <= _MAX_METHOD and uri.strip()):
        raise InvalidMessageError(f"not RTSP: {printable(lines[0], 40)}")
    headers = _headers(lines[1:])
    return Request(method.upper(), uri.strip(), headers), _content_length(headers)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, list[str]] = {}
    value: list[str] = []
    for line in lines:
        if line[0] in " \t":  # goes on with the line before
            value.append(line.strip())
            continue
        name, _, rest = line.partition(":")
        value = [rest.strip()]
        headers.setdefault(name.strip().lower(), value)
    return {name: " ".join(parts) for name, parts in headers.items()}


def _content_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if len(text) > 6 or not (text.isascii() and text.isdigit()) or int(text) > MAX_BODY_BYTES:
        raise InvalidMessageError(f"a body of {printable(text, 20)} bytes")
    return int(text)
