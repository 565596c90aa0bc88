"""Refusals of requests and WebSockets.

A browser does not let a page read why the handshake of a WebSocket failed. So every WebSocket is accepted, and one that
is refused is closed at once with a code and the reason.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.redaction import redact
from service.http.websocket_handshake import accept
from service.problems.errors import status_of
from service.problems.responses import problem_response

TRY_AGAIN_LATER = 1013
_MAX_REASON_BYTES = 123  # RFC 6455, 5.5


async def refuse(error: PatchwatchError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request or a WebSocket with an error."""
    if scope["type"] == "websocket":
        await refuse_websocket(WebSocket(scope, receive, send), error)
    else:
        await problem_response(error, scope["path"])(scope, receive, send)


async def refuse_websocket(websocket: WebSocket, error: PatchwatchError) -> None:
    """Close with a code of 4401, 4403, 4422, or with 1013 where trying again helps."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the client left meanwhile
        await accept(websocket)
        await websocket.close(close_code(error), close_reason(error))


def close_code(error: PatchwatchError) -> int:
    """4000 plus the HTTP status, or 1013 where trying again helps."""
    status = status_of(error)
    return TRY_AGAIN_LATER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 4000 + status


def close_reason(error: PatchwatchError) -> str:
    """As much of the error's text as a close frame holds, without credentials."""
    return redact(str(error)).encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
