"""Answers to requests for a part of a file (RFC 9110, section 14), as players of video send them to seek."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

from fastapi.responses import Response, StreamingResponse

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_CHUNK = 1 << 18
Read = Callable[[int, int], Awaitable[bytes]]  # start and length


def requested_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole file, also where several ranges are asked for.

    Raises `ValueError` for a range that the file does not have.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        raise ValueError(f"no bytes from {start} of {size}")
    return start, end


async def file_response(read: Read, size: int, media_type: str, etag: str, header: str | None) -> Response:
    """200 with the whole file, 206 with the part that the ``Range`` header asks for, or 416."""
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    try:
        part = requested_range(header, size)
    except ValueError:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    first = await read(start, min(_CHUNK, end - start))  # an error of the store still becomes a problem
    return StreamingResponse(_chunks(read, first, start, end), status, headers, media_type)


async def _chunks(read: Read, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    yield first
    at = start + len(first)
    while at < end:
        data = await read(at, min(_CHUNK, end - at))
        if not data:
            return
        yield data
        at += len(data)
