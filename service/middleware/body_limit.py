"""No request may fill the memory, or keep the service busy by its length: limits, told as problems."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.middleware.refusal import refuse
from service.problem import TooLargeError, TooLongError

MAX_BODY_BYTES = 1_000_000  # the largest sensible body names some thousand recordings
MAX_TARGET_BYTES = 16 * 1024  # path and query, as they came
_TOO_LARGE = f"a request may have a body of at most {MAX_BODY_BYTES} bytes: send less at once"
_TOO_LONG = f"an address may have {MAX_TARGET_BYTES} bytes of path and query: ask for less at once"


class RequestLimitMiddleware:
    """Refuses by the announced length before anything is read, and counts where none is announced. Stands before all
    that looks into a request."""

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
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:  # of the errors raised here FastAPI lets only this kind through
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
            return message

        await self._app(scope, counted, send)
