"""Channels: who is told of alerts, how that goes, and what was said."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import ValidationError

from patchwatch.contract.errors import ConflictError
from patchwatch.messages.alerts.channel import MAX_CHANNEL_RECORDS, Channel
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.presentation.channel_status import channel_views
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.rules.channel_order import check_channel
from service.schemas.alerts.channel import (
    ChannelChange,
    ChannelList,
    ChannelLog,
    ChannelRecordView,
    ChannelView,
    NewChannel,
    how_to_enable,
)
from service.schemas.alerts.webhook import TrialAnswer
from service.store.alerts.channels import ChannelStore

router = api_router("/channels", tag="channels")
_TEST_MARGIN_S = 12.0  # until the delivery worker notices the order, and its process has started
_CHECKED = ("url", "title", "body")  # fields that the process that sends messages judges


@router.post("", status_code=201, summary="Add a channel", responses=documented(409, 422, 429))
async def create(body: NewChannel, response: Response, context: ContextDep, prefix: LinkPrefix) -> ChannelView:
    """It is told of each incident once, from now on: of alerts that begin within `window_s` in one message. At Frigate
    each alert becomes an event, which ends with it."""
    channel = _validated(body.fields())
    await _check_cameras(context, "cameras", channel.cameras)
    await _check_cameras(context, "camera_names", channel.camera_names)
    await check_channel(channel)
    await context.store.channels.create(channel)
    response.headers["Location"] = f"{prefix}/api/v1/channels/{channel.id}"
    (view,) = await channel_views(context, [channel])
    return view


@router.get("", summary="List channels")
async def index(context: ContextDep) -> ChannelList:
    return ChannelList(channels=await channel_views(context, await context.store.channels.all()))


@router.get("/{channel_id}", summary="Get a channel", responses=documented(404))
async def get(channel_id: str, context: ContextDep) -> ChannelView:
    (view,) = await channel_views(context, [await context.store.channels.get(channel_id)])
    return view


@router.patch("/{channel_id}", summary="Change a channel", responses=documented(404, 422, 429))
async def change(channel_id: str, body: ChannelChange, context: ContextDep) -> ChannelView:
    """Only the given fields change. An address that is sent back as it was shown stays as it is."""
    before = await context.store.channels.get(channel_id)
    changes = body.fields()
    if before.device is not None and changes.keys() & {*_CHECKED}:
        raise ConflictError(f"{channel_id!r} is a device: its address is its browser's, and its words are ours")
    if "url" in changes and changes["url"].get_secret_value() == before.shown_url:
        del changes["url"]
    changed = _validated({**before.model_dump(), **changes})
    await _check_cameras(context, "cameras", sorted(set(changed.cameras) - set(before.cameras)))
    new_names = changed.camera_names.keys() - before.camera_names.keys()
    await _check_cameras(context, "camera_names", sorted(new_names))
    if changes.keys() & set(_CHECKED):
        await check_channel(changed)
    (view,) = await channel_views(context, [await context.store.channels.change(channel_id, changes)])
    return view


@router.delete("/{channel_id}", status_code=204, summary="Remove a channel", responses=documented(404))
async def delete(channel_id: str, context: ContextDep) -> None:
    """Its log is deleted, too."""
    await context.store.channels.delete(channel_id)


@router.post("/{channel_id}/test", summary="Send a test message", responses=documented(404, 409, 429, 503))
async def trial(channel_id: str, context: ContextDep) -> TrialAnswer:
    """The delivery worker makes one attempt; at Frigate it is an event of a second. It changes no count, but a failure
    shows in the health of the channel."""
    channel = await context.store.channels.get(channel_id)
    if not channel.enabled:
        raise ConflictError(f"channel {channel_id!r} is switched off: {how_to_enable(channel_id)} first")
    return await send_trial(context, context.store.channels, channel_id)


@router.get("/{channel_id}/log", summary="List the last messages", responses=documented(404, 422))
async def log(
    channel_id: str, context: ContextDep, limit: Annotated[int, Query(ge=1, le=MAX_CHANNEL_RECORDS)] = 100
) -> ChannelLog:
    """What was said, what the service answered, and at which attempt; the newest first."""
    records = await context.store.channels.log(channel_id, limit)
    return ChannelLog(records=[ChannelRecordView.from_record(record) for record in records])


async def send_trial(context: Context, channels: ChannelStore, channel_id: str) -> TrialAnswer:
    """Have a test sent, and say how that went."""
    result = await channels.trial(channel_id, context.settings.webhook_timeout_s + _TEST_MARGIN_S)
    return TrialAnswer(delivered=result.delivered, detail=result.detail)


async def _check_cameras(context: Context, field: str, camera_ids: Collection[str]) -> None:
    """Raises `InvalidFieldsError` for a camera that does not exist: no alert of it would ever be told of."""
    if unknown := await unknown_cameras(context.store, camera_ids):
        raise unknown_camera_error(f"body.{field}", unknown)


def _validated(fields: dict[str, Any]) -> Channel:
    try:
        return Channel.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
