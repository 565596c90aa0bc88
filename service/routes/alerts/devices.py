"""Devices: browsers of the caller's own that show alerts as notifications."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Response
from pydantic import ValidationError

from patchwatch.bus.push_key import public_form, push_key
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.alerts.channel import Channel
from patchwatch.messages.alerts.device import MAX_DEVICES_OF_USER
from service.access.caller import CallerKind
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.presentation.channel_status import channel_views
from service.problems.errors import ForbiddenError, InvalidFieldsError
from service.problems.responses import documented
from service.routes.alerts.channels import send_trial
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.schemas.alerts.device import DeviceList, DeviceView, NewDevice
from service.schemas.alerts.webhook import TrialAnswer

router = api_router("/devices", tag="devices")


@router.post("", status_code=201, summary="Add this browser", responses=documented(403, 409, 422))
async def create(body: NewDevice, response: Response, context: ContextDep, prefix: LinkPrefix) -> DeviceView:
    """It is told of alerts from now on, of cameras that you see at that time. Ending all your logins ends that, too."""
    if unknown := await unknown_cameras(context.store, body.cameras):
        raise unknown_camera_error("body.cameras", unknown)
    channel = await _channel(context, body)
    own = await _own(context)
    if len(own) >= MAX_DEVICES_OF_USER and channel.id not in {one.id for one in own}:
        raise ConflictError(f"remove one of your devices first: you have {MAX_DEVICES_OF_USER}")
    await context.store.devices.put(channel)
    response.headers["Location"] = f"{prefix}/api/v1/devices/{channel.id}"
    return await _view(context, channel)


@router.get("", summary="List your devices", responses=documented(403))
async def index(context: ContextDep) -> DeviceList:
    views = await channel_views(context, await _own(context))
    key = public_form(await push_key(context.store.bus))
    return DeviceList(devices=[DeviceView.from_channel(view) for view in views], key=key)


@router.delete("/{device_id}", status_code=204, summary="Remove a device", responses=documented(403, 404))
async def delete(device_id: str, context: ContextDep) -> None:
    await context.store.devices.delete((await _get(context, device_id)).id)


@router.post("/{device_id}/test", summary="Send a test message", responses=documented(403, 404, 429, 503))
async def trial(device_id: str, context: ContextDep) -> TrialAnswer:
    """The delivery worker makes one attempt."""
    return await send_trial(context, context.store.devices, (await _get(context, device_id)).id)


async def _channel(context: Context, body: NewDevice) -> Channel:
    owner = _owner(context)
    user = await context.store.access.users.find(owner) if owner else None
    device = {
        "name": body.name, "p256dh": body.keys.p256dh, "auth": body.keys.auth, "owner": owner,
        "login": user.incarnation if user else "",
    }  # fmt: skip
    fields: dict[str, Any] = body.fields() | {"id": _id(body.endpoint.get_secret_value()), "device": device}
    try:
        return Channel.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None


def _id(endpoint: str) -> str:
    """The same for the same browser; who knows it does not know the endpoint."""
    return f"device-{hashlib.sha256(endpoint.encode()).hexdigest()[:16]}"


def _owner(context: Context) -> str:
    """The user's name; empty where nobody has to log in. Raises `ForbiddenError` for a token of a program."""
    if context.caller.kind is CallerKind.USER:
        return context.caller.name
    if context.caller.named:
        raise ForbiddenError("devices belong to users: log in on the page, with the browser that is to be told")
    return ""


async def _own(context: Context) -> list[Channel]:
    return await context.store.devices.of(_owner(context))


async def _get(context: Context, device_id: str) -> Channel:
    """Raises `NotFoundError`, also for somebody else's."""
    found = next((one for one in await _own(context) if one.id == device_id), None)
    if found is None:
        raise NotFoundError(f"you have no device {device_id!r}: see GET /api/v1/devices")
    return found


async def _view(context: Context, channel: Channel) -> DeviceView:
    (view,) = await channel_views(context, [channel])
    return DeviceView.from_channel(view)
