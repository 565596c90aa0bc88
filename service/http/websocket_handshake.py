"""The beginning of a WebSocket: how a browser brings its token, and that it is accepted.

A page can set no header of a WebSocket, and what stands in its address is written into the logs of proxies. So it
offers two subprotocols: ``patchwatch``, which is accepted, and ``patchwatch.token.`` with the token in base64url.
"""

from __future__ import annotations

import base64
import binascii

from starlette.types import Scope
from starlette.websockets import WebSocket

_OURS = "patchwatch"
_TOKEN = "patchwatch.token."  # noqa: S105 - what stands before one


def offered_token(scope: Scope) -> bytes:
    """Empty where none is offered."""
    for name in scope.get("subprotocols", ()):
        if name.startswith(_TOKEN):
            encoded = name.removeprefix(_TOKEN)
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except (binascii.Error, ValueError):
                return b""
    return b""


async def accept(websocket: WebSocket) -> None:
    """With the subprotocol of ours, where it is offered: a browser closes otherwise."""
    offered = websocket.scope.get("subprotocols", ())
    await websocket.accept(subprotocol=_OURS if _OURS in offered else None)
