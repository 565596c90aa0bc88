"""The handshake of a WebSocket: how a browser presents its token, and which subprotocol is accepted.

A page cannot set headers of a WebSocket, and proxies write its address into their logs. So the page offers two
subprotocols: ``patchwatch``, which is accepted, and ``patchwatch.token.`` followed by the token in base64url.
"""

from __future__ import annotations

import base64
import binascii

from starlette.types import Scope
from starlette.websockets import WebSocket

_SUBPROTOCOL = "patchwatch"
_TOKEN_PREFIX = "patchwatch.token."  # noqa: S105 - no secret


def offered_token(scope: Scope) -> bytes:
    """The token among the offered subprotocols; empty without one."""
    for name in scope.get("subprotocols", ()):
        if name.startswith(_TOKEN_PREFIX):
            encoded = name.removeprefix(_TOKEN_PREFIX)
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except (binascii.Error, ValueError):
                return b""
    return b""


async def accept(websocket: WebSocket) -> None:
    """Accept with our subprotocol if it is offered: otherwise a browser would close the connection."""
    offered = websocket.scope.get("subprotocols", ())
    await websocket.accept(subprotocol=_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
