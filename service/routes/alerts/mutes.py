"""Mutes: no message about a camera, or about any, for a time. Alerts are raised and kept all the same."""

from __future__ import annotations

from patchwatch.messages.alerts.mute import ALL_CAMERAS, Mute, tomorrow_ms
from service.context import Context, ContextDep
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.alerts.channel import MuteList, MuteOrder, MuteView

router = api_router(tag="channels")


@router.get("/mutes", summary="List what is muted")
async def index(context: ContextDep) -> MuteList:
    """Of webhooks and of what is sent over MQTT nothing is muted: they are for programs."""
    mutes = await context.store.mutes.all(await context.now_ms())
    return MuteList(mutes=[MuteView.from_mute(mute) for mute in mutes])


@router.put("/mute", summary="Mute all cameras", responses=documented(422))
async def mute_all(body: MuteOrder, context: ContextDep) -> MuteView:
    return await _mute(ALL_CAMERAS, body, context)


@router.delete("/mute", status_code=204, summary="End the mute of all cameras")
async def unmute_all(context: ContextDep) -> None:
    """Mutes of single cameras stay."""
    await context.store.mutes.end(ALL_CAMERAS)


@router.put("/cameras/{camera_id}/mute", summary="Mute a camera", responses=documented(404, 422))
async def mute(camera_id: str, body: MuteOrder, context: ContextDep) -> MuteView:
    """Channels are told of no alert that begins before it ends."""
    await context.store.cameras.get(camera_id)
    return await _mute(camera_id, body, context)


@router.delete(
    "/cameras/{camera_id}/mute", status_code=204, summary="End the mute of a camera", responses=documented(404)
)
async def unmute(camera_id: str, context: ContextDep) -> None:
    await context.store.cameras.get(camera_id)
    await context.store.mutes.end(camera_id)


async def _mute(mute_id: str, order: MuteOrder, context: Context) -> MuteView:
    now_ms = await context.now_ms()
    try:
        until_ms = tomorrow_ms(now_ms, order.time_zone) if order.minutes is None else now_ms + 60_000 * order.minutes
    except ValueError as error:
        raise InvalidFieldsError.from_field("body.time_zone", str(error)) from None
    begun = Mute(id=mute_id, until_ms=until_ms)
    await context.store.mutes.put(begun)
    return MuteView.from_mute(begun)
