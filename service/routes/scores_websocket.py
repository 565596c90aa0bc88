"""Scores as frames are scored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, WebSocket

from patchwatch.contract.errors import PatchwatchError
from service.context import Context, In
from service.middleware.refusal import refuse_websocket
from service.rules.camera_filter import unknown_cameras
from service.websockets.client import Client, Topic
from service.websockets.item import score_item
from service.websockets.position import score_positions
from service.websockets.session import WebSocketSession

router = APIRouter()


@router.websocket("/ws/scores")
async def scores(
    websocket: WebSocket,
    context: In,
    camera: Annotated[list[str] | None, Query()] = None,
    after: Annotated[list[str] | None, Query()] = None,
) -> None:
    """``after``: ids of the last messages received, one per camera; the other cameras begin now."""
    try:
        unknown = await unknown_cameras(context.store, camera or ())
        positions = await _starts(context, frozenset(camera or ()), score_positions(after or ()))
    except PatchwatchError as error:
        await refuse_websocket(websocket, error)
        return
    session = WebSocketSession(
        websocket,
        Client(Topic.SCORES, frozenset(camera or ()), context.client_queue),
        context.hub,
        context.store.streams,
        positions=positions,
        unknown_cameras=unknown,
        item_of=lambda stream, entry: score_item(stream, _camera_of(stream), entry),
        id_of=lambda stream, entry_id: f"{_camera_of(stream)}:{entry_id}",
        heartbeat_s=context.settings.websocket_heartbeat_s,
    )
    await session.run()


async def _starts(context: Context, wanted: frozenset[str], after: dict[str, str]) -> dict[str, str]:
    streams = context.store.streams
    known = [one for one in await context.store.cameras.ids() if not wanted or one in wanted]
    ends = await streams.ends([streams.scores(camera_id) for camera_id in known])
    return ends | {streams.scores(camera_id): after[camera_id] for camera_id in known if camera_id in after}


def _camera_of(stream: str) -> str:
    return stream.rpartition(":")[2]
