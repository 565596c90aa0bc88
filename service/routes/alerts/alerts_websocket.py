"""Alerts by WebSocket, as they open, rise and close."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query, WebSocket

from patchwatch.bus import keys
from patchwatch.contract.errors import PatchwatchError
from service.context import ContextDep
from service.problems.refusal import refuse_websocket
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_cameras
from service.websockets.client import Client, Topic
from service.websockets.item import alert_item
from service.websockets.position import alert_position
from service.websockets.session import WebSocketSession

router = api_router()


@router.websocket("/ws/alerts")
async def alerts(
    websocket: WebSocket,
    context: ContextDep,
    camera: Annotated[list[str] | None, Query()] = None,
    after: Annotated[str | None, Query()] = None,
) -> None:
    """``after``: the id of the last message received. Without it, only alerts from now on are sent."""
    try:
        unknown = await unknown_cameras(context.store, camera or ())
        start = alert_position(after)
        positions = {keys.ALERTS: start} if start else await context.store.streams.ends([keys.ALERTS])
    except PatchwatchError as error:
        await refuse_websocket(websocket, error)
        return
    session = WebSocketSession(
        websocket,
        Client(Topic.ALERTS, frozenset(camera or ()), context.client_queue, context.caller.cameras),
        context.hub,
        context.store.streams,
        positions=positions,
        unknown_cameras=unknown,
        item_of=partial(alert_item, base=context.settings.public_path),
        id_of=lambda _, entry_id: entry_id,
        heartbeat_s=context.settings.websocket_heartbeat_s,
    )
    await session.run()
