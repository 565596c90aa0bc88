"""Scores by WebSocket, as frames are scored."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, WebSocket

from patchwatch.contract.errors import PatchwatchError
from service.context import Context, ContextDep
from service.problems.refusal import refuse_websocket
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_cameras
from service.websockets.client import Client, Topic
from service.websockets.item import score_item
from service.websockets.position import score_positions
from service.websockets.session import WebSocketSession

router = api_router()


@router.websocket("/ws/scores")
async def scores(
    websocket: WebSocket,
    context: ContextDep,
    camera: Annotated[list[str] | None, Query()] = None,
    after: Annotated[list[str] | None, Query()] = None,
) -> None:
    """``after``: ids of the last messages received, one per camera. Of other cameras, only scores from now on are
    sent."""
    try:
        unknown = await unknown_cameras(context.store, camera or ())
        positions = await _start_positions(context, frozenset(camera or ()), score_positions(after or ()))
    except PatchwatchError as error:
        await refuse_websocket(websocket, error)
        return
    session = WebSocketSession(
        websocket,
        Client(Topic.SCORES, frozenset(camera or ()), context.client_queue, context.caller.cameras),
        context.hub,
        context.store.streams,
        positions=positions,
        unknown_cameras=unknown,
        item_of=lambda stream, entry: score_item(stream, _camera_of(stream), entry),
        id_of=lambda stream, entry_id: f"{_camera_of(stream)}:{entry_id}",
        heartbeat_s=context.settings.websocket_heartbeat_s,
    )
    await session.run()


async def _start_positions(context: Context, selected: frozenset[str], after: dict[str, str]) -> dict[str, str]:
    """Where to start in the stream of each camera: after the id that the client names, else at the end."""
    streams = context.store.streams
    camera_ids = [camera_id for camera_id in await context.store.cameras.ids() if not selected or camera_id in selected]
    ends = await streams.ends([streams.scores(camera_id) for camera_id in camera_ids])
    return ends | {streams.scores(camera_id): after[camera_id] for camera_id in camera_ids if camera_id in after}


def _camera_of(stream: str) -> str:
    return stream.rpartition(":")[2]
