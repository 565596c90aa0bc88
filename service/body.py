"""No request may fill the memory: a limit on bodies, told as a problem."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problem import TooLargeError, respond

MAX_BODY_BYTES = 1_000_000  # the largest sensible body names some thousand recordings
_TOO_LARGE = f"a request may have a body of at most {MAX_BODY_BYTES} bytes: send less at once"


class BodyLimitMiddleware:
    """Refuses by the announced length before anything is read, and counts where none is announced."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
            await respond(TooLargeError(_TOO_LARGE), scope["path"])(scope, receive, send)
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
