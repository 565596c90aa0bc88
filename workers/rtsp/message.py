"""What passes over an RTSP connection (RFC 2326): requests, responses and interleaved packets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple
from urllib.parse import urlsplit

from patchwatch.contract.errors import InvalidMessageError
from workers.rtsp.headers import Headers

_MAX_CSEQ_DIGITS = 20
INTERLEAVED = ord("$")  # The first byte of a packet.
_FRAME = Struct(">BBH")  # Marker, channel and length.
_MAX_REASON = 300  # Characters of a reason phrase.
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    415: "Unsupported Media Type", 455: "Method Not Valid in This State", 461: "Unsupported Transport",
    503: "Service Unavailable",
}  # fmt: skip


class Packet(NamedTuple):
    """An RTP or RTCP packet on an interleaved channel (RFC 2326, 10.12)."""

    channel: int
    payload: bytes

    def encode(self) -> bytes:
        """The packet with its frame, ready to send."""
        return _FRAME.pack(INTERLEAVED, self.channel, len(self.payload)) + self.payload


@dataclass(frozen=True, slots=True)
class Request:
    """``method`` is in upper case."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def cseq(self) -> int:
        """The sequence number. Raises `InvalidMessageError` when there is none."""
        text = self.headers.get("CSeq") or ""
        if len(text) > _MAX_CSEQ_DIGITS or not (text.isascii() and text.isdigit()):
            raise InvalidMessageError("a request without CSeq")
        return int(text)

    def encode(self) -> bytes:
        return _encode(f"{self.method} {self.uri} RTSP/1.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """``start_line``: version, status and reason phrase."""

    start_line: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @classmethod
    def from_status(
        cls, status: int, cseq: int, headers: Iterable[tuple[str, str]] = (), reason: str = "", body: bytes = b""
    ) -> Response:
        """Our answer to a request. ``reason`` replaces the standard reason phrase: publishers show it to their user."""
        fields = [("CSeq", str(cseq)), ("Server", "Patchwatch"), *headers]
        if body:
            fields.append(("Content-Length", str(len(body))))
        phrase = printable(reason, _MAX_REASON) or _REASONS[status]
        return cls(f"RTSP/1.0 {status} {phrase}", Headers(tuple(fields)), body)

    @property
    def status(self) -> int:
        """The status code; 0 when the peer sent none."""
        words = self.start_line.split(" ", 2)
        text = words[1] if len(words) > 1 else ""
        return int(text) if len(text) == 3 and text.isascii() and text.isdigit() else 0

    def encode(self) -> bytes:
        return _encode(self.start_line, self.headers, self.body)


def path_of(uri: str) -> str:
    """The path of a URI; ``/`` when it has none or is malformed."""
    try:
        return urlsplit(uri).path or "/"
    except ValueError:  # Unbalanced brackets of an IPv6 address.
        return "/"


def printable(text: str, limit: int = 60) -> str:
    """A peer's text made safe for a log line or a response: cut to ``limit`` characters, everything but ASCII
    escaped."""
    return ascii(text[:limit])[1:-1] + ("..." if len(text) > limit else "")


def _encode(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in headers.fields)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body
