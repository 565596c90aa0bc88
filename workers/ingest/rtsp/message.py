"""What passes over an RTSP connection (RFC 2326): requests, their answers, and interleaved packets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.base import CAMERA_ID_PATTERN

_MAX_CSEQ_DIGITS = 20
_MAX_CAMERA_ID = 63  # characters; checked before the pattern is
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    415: "Unsupported Media Type", 455: "Method Not Valid in This State", 461: "Unsupported Transport",
    503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP or RTCP packet on an interleaved channel."""

    channel: int
    payload: bytes

    def framed(self) -> bytes:
        """As it goes over the connection."""
        return b"$" + bytes((self.channel,)) + len(self.payload).to_bytes(2, "big") + self.payload


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was sent. ``headers``: names in lower case; of several of one name the first counts."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def cseq(self) -> int:
        """Its number. Raises `InvalidMessageError` when there is none."""
        text = self.headers.get("cseq", "")
        if len(text) > _MAX_CSEQ_DIGITS or not (text.isascii() and text.isdigit()):
            raise InvalidMessageError("a request without CSeq")
        return int(text)

    @property
    def camera_id(self) -> str | None:
        """The camera it names; None when no camera can have that name."""
        return camera_id_of(self.uri)


def camera_id_of(uri: str) -> str | None:
    """The camera that a URI, or its path alone, names: slashes around it and a query do not count."""
    name = unquote(path_of(uri)).strip("/")
    return name if len(name) <= _MAX_CAMERA_ID and re.fullmatch(CAMERA_ID_PATTERN, name) else None


def path_of(uri: str) -> str:
    """Path of a URI; ``/`` where it has none, or is none."""
    try:
        return urlsplit(uri).path or "/"
    except ValueError:  # an odd bracket
        return "/"


def answer(status: int, cseq: int, headers: Iterable[tuple[str, str]] = (), why: str = "", body: bytes = b"") -> bytes:
    """An answer. ``why`` takes the place of the usual reason phrase: publishers show it."""
    lines = [
        f"RTSP/1.0 {status} {printable(why, 300) or _REASONS[status]}", f"CSeq: {cseq}", "Server: Patchwatch",
        *(f"{key}: {value}" for key, value in headers),
    ]  # fmt: skip
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii", "replace") + body


def printable(text: str, limit: int = 60) -> str:
    """What a peer sent, fit for a log line and an answer: cut to ``limit`` characters, all else than ASCII escaped."""
    return ascii(text[:limit])[1:-1] + ("..." if len(text) > limit else "")
