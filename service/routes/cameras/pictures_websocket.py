"""Live pictures of several cameras by one WebSocket."""

from __future__ import annotations

from fastapi import WebSocket

from service.context import ContextDep
from service.routes.api_router import api_router
from service.websockets.picture_session import PictureSession

router = api_router()


@router.websocket("/ws/pictures")
async def pictures(websocket: WebSocket, context: ContextDep) -> None:
    """The client names the cameras that it shows: see `service.websockets.picture_session`."""
    session = PictureSession(websocket, context.store, heartbeat_s=context.settings.websocket_heartbeat_s)
    await session.run()
