"""As much of RTSP (RFC 2326) as a doorkeeper needs: read a request, write an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from patchwatch.errors import InvalidMessageError
from patchwatch.messages.base import CAMERA_ID_PATTERN

MAX_HEAD_BYTES = 8192
_MAX_BODY_BYTES = 65_536
_REQUEST_LINE = re.compile(rb"([A-Z_]{1,32}) (\S{1,2048}) RTSP/\d\.\d")
_STATUS_LINE = re.compile(rb"RTSP/\d\.\d (\d{3}) ?(.*)")
REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 461: "Unsupported Transport", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer as it was sent: ``first`` and ``second`` are method and URI, or the status."""

    first: str
    second: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def cseq(self) -> int:
        """Raises `InvalidMessageError` when absent or no small number."""
        text = self.header("CSeq") or ""
        if not re.fullmatch(r"\d{1,9}", text):
            raise InvalidMessageError("a request without CSeq")
        return int(text)

    @property
    def camera_id(self) -> str | None:
        """Camera named by a request's path; None when it names none that could exist."""
        name = unquote(self.path).strip("/")
        return name if re.fullmatch(CAMERA_ID_PATTERN, name) else None

    @property
    def path(self) -> str:
        """Path of a request's URI; ``/`` where it has none, or is none."""
        try:
            return urlsplit(self.second).path or "/"
        except ValueError:  # an odd bracket
            return "/"

    def request_bytes(self) -> bytes:
        """To be passed on: as received, without the publisher's credentials."""
        kept = [f"{key}: {value}" for key, value in self.headers if key.lower() != "authorization"]
        return _assembled(f"{self.first} {self.second} RTSP/1.0", kept, self.body)

    def answer_bytes(self) -> bytes:
        kept = [f"{key}: {value}" for key, value in self.headers]
        return _assembled(f"RTSP/1.0 {self.first} {self.second}", kept, self.body)


async def read_request(reader: asyncio.StreamReader, within_s: float) -> Message | None:
    """The next request; None when the peer has closed.

    Raises `InvalidMessageError` for anything that is no RTSP request, is too long, or takes longer than ``within_s``.
    """
    return await _read(reader, _REQUEST_LINE, within_s)


async def read_answer(reader: asyncio.StreamReader, within_s: float) -> Message | None:
    """The next answer; errors as `read_request`."""
    return await _read(reader, _STATUS_LINE, within_s)


def answer(status: int, cseq: int, headers: Iterable[tuple[str, str]] = (), why: str = "") -> bytes:
    """An answer without body. ``why`` takes the place of the usual reason phrase: publishers show it."""
    lines = [f"CSeq: {cseq}", "Server: Patchwatch", *(f"{key}: {value}" for key, value in headers)]
    return _assembled(f"RTSP/1.0 {status} {why or REASONS[status]}", lines, b"")


def options_request(uri: str, cseq: int) -> bytes:
    return _assembled(f"OPTIONS {uri} RTSP/1.0", [f"CSeq: {cseq}"], b"")


def _assembled(first: str, lines: list[str], body: bytes) -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + body


async def _read(reader: asyncio.StreamReader, form: re.Pattern[bytes], within_s: float) -> Message | None:
    try:
        async with asyncio.timeout(within_s):
            head = await reader.readuntil(b"\r\n\r\n")
            found = form.fullmatch(head.split(b"\r\n", 1)[0].lstrip())
            if found is None:
                raise InvalidMessageError("not RTSP")
            headers = _headers(head)
            body = await reader.readexactly(_content_length(headers))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise InvalidMessageError("the request broke off") from None
        return None
    except asyncio.LimitOverrunError:
        raise InvalidMessageError(f"a request of more than {MAX_HEAD_BYTES} bytes") from None
    except TimeoutError:
        raise InvalidMessageError(f"no complete request within {within_s:g} s") from None
    return Message(found[1].decode("latin-1"), found[2].decode("latin-1"), headers, body)


def _headers(head: bytes) -> tuple[tuple[str, str], ...]:
    lines = head.decode("latin-1").strip().split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return tuple((key.strip(), value.strip()) for key, colon, value in pairs if colon)


def _content_length(headers: tuple[tuple[str, str], ...]) -> int:
    text = next((value for key, value in headers if key.lower() == "content-length"), "0")
    if not re.fullmatch(r"\d{1,6}", text) or int(text) > _MAX_BODY_BYTES:
        raise InvalidMessageError(f"a body of {text[:20]} bytes")
    return int(text)
