"""Refusals of requests and of WebSockets.

A browser does not let a page read why the handshake of a WebSocket failed. So each is accepted and closed at once, with
a code of its own and the reason.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.redaction import redact
from service.http.websocket_handshake import accept
from service.problem import respond, status_of

TRY_AGAIN_LATER = 1013
_LONGEST_REASON_BYTES = 123  # RFC 6455, 5.5


async def refuse(error: PatchwatchError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request or a WebSocket with an error."""
    if scope["type"] == "websocket":
        await refuse_websocket(WebSocket(scope, receive, send), error)
    else:
        await respond(error, scope["path"])(scope, receive, send)


async def refuse_websocket(websocket: WebSocket, error: PatchwatchError) -> None:
    """Close with 4000 and the HTTP status (4401, 4403, 4422), or with 1013 where waiting helps."""
    status = status_of(error)
    code = TRY_AGAIN_LATER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 4000 + status
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # a client that left meanwhile
        await accept(websocket)
        await websocket.close(code, reason(str(error)))


def reason(text: str) -> str:
    """As much of a text as fits into the end of a WebSocket, without credentials."""
    return redact(text).encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
