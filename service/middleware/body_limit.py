"""Limits on the length of requests, so that none fills the memory or keeps the service busy."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems.errors import TooLargeError, TooLongError
from service.problems.refusal import refuse

MAX_BODY_BYTES = 1_000_000  # the largest sensible body names some thousand recordings
MAX_TARGET_BYTES = 16 * 1024  # path and query, still encoded
_TOO_LARGE = f"the body of the request is too long: send less at once, at most {MAX_BODY_BYTES} bytes"
_TOO_LONG = f"the address is too long: ask for less at once, at most {MAX_TARGET_BYTES} bytes of path and query"


class RequestLimitMiddleware:
    """Refuses a request by its announced length before reading it, and counts bytes where no length is announced.

    Must come before all other middleware that reads requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > MAX_TARGET_BYTES:
            await refuse(TooLongError(_TOO_LONG), scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and (len(announced) > 20 or int(announced) > MAX_BODY_BYTES):
            await refuse(TooLargeError(_TOO_LARGE), scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                # FastAPI passes on only this kind of error from here.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
            return message

        await self._app(scope, receive_counted, send)
