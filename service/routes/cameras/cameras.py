"""Cameras. They are added, changed and removed while everything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import ValidationError

from patchwatch.contract.redaction import MASK
from patchwatch.messages.access.user import UserRole
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.source import Source
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import ForbiddenError, InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.video_source import check_source
from service.schemas.cameras.camera import CameraChange, CameraList, CameraView, NewCamera

router = api_router("/cameras", tag="cameras")
_OF_ADMINS = {"source", "transport", "tls_verify", "tls_fingerprint", "publish_username", "publish_password"}


@router.post("", status_code=201, summary="Add a camera", responses=documented(409, 422))
async def create(body: NewCamera, response: Response, context: ContextDep, prefix: LinkPrefix) -> CameraView:
    """The camera is captured at once. It is scored as soon as it has a bank: see enrolments."""
    fields = {"profile": context.settings.default_profile} | body.fields()
    try:
        camera = Camera.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
    await check_source(camera.source, context.settings, context.disk)
    created = await context.store.cameras.create(camera)
    response.headers["Location"] = f"{prefix}/api/v1/cameras/{created.id}"
    return _view(created)


@router.get("", summary="List cameras")
async def index(context: ContextDep) -> CameraList:
    return CameraList(cameras=[_view(camera) for camera in await context.store.cameras.all()])


@router.get("/{camera_id}", summary="Get a camera", responses=documented(404))
async def get(camera_id: str, context: ContextDep) -> CameraView:
    return _view(await context.store.cameras.get(camera_id))


@router.patch("/{camera_id}", summary="Change a camera", responses=documented(403, 404, 422))
async def change(camera_id: str, body: CameraChange, context: ContextDep) -> CameraView:
    """Only the given fields change. The capture restarts, unless none of them concerns it. A camera that came by itself
    counts as looked at from then on, even if nothing changes."""
    before = await context.store.cameras.get(camera_id)
    changes = _without_masked_secrets(body.fields(), before)
    _check_right(context, changes)
    changes["adopted"] = False
    if isinstance(changes.get("source"), str):
        await check_source(changes["source"], context.settings, context.disk)
    try:
        return _view(await context.store.cameras.change(camera_id, changes))
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None


@router.delete("/{camera_id}", status_code=204, summary="Remove a camera", responses=documented(404))
async def delete(camera_id: str, context: ContextDep) -> None:
    """Its frames, scores and enrolments are deleted. Its alerts stay for their retention, its banks stay on disk."""
    await context.store.cameras.delete(camera_id)
    await context.store.enrolments.delete_all(camera_id)


def _view(camera: Camera) -> CameraView:
    return CameraView.model_validate(camera.public())


def _check_right(context: Context, changes: Mapping[str, Any]) -> None:
    """Raises `ForbiddenError` where an operator would change which address is connected to, and with what password."""
    if (named := sorted(changes.keys() & _OF_ADMINS)) and not context.caller.may(UserRole.ADMIN):
        raise ForbiddenError(f"only an admin may change where a camera's video comes from: {', '.join(named)}")


def _without_masked_secrets(changes: dict[str, Any], before: Camera) -> dict[str, Any]:
    """Leaves out secrets that were sent back as they are shown."""
    kept = dict(changes)
    if kept.get("source") == str(Source.parse(before.source)):
        del kept["source"]
    password = kept.get("publish_password")
    if password is not None and password.get_secret_value() == MASK:
        del kept["publish_password"]
    return kept
