"""Cameras: created, listed, changed and deleted while everything runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from patchwatch.contract.redaction import MASK
from patchwatch.messages.camera import Camera
from patchwatch.messages.source import Source
from service.context import In
from service.http.proxy import Prefix
from service.problem import InvalidFieldsError, documented
from service.rules.video_source import check_source
from service.schemas.models import CameraChange, CameraList, CameraView, NewCamera

router = APIRouter(prefix="/cameras", tags=["cameras"])


@router.post("", status_code=201, summary="Add a camera", responses=documented(409, 422))
async def create(body: NewCamera, response: Response, context: In, prefix: Prefix) -> CameraView:
    """It is captured at once. Its score begins when a bank has been learnt: see enrolments."""
    fields = body.fields()
    try:
        camera = Camera.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
    await check_source(camera.source, context.settings, context.disk)
    created = await context.store.cameras.create(camera)
    response.headers["Location"] = f"{prefix}/api/v1/cameras/{created.id}"
    return _view(created)


@router.get("", summary="List cameras")
async def index(context: In) -> CameraList:
    return CameraList(cameras=[_view(camera) for camera in await context.store.cameras.all()])


@router.get("/{camera_id}", summary="Get a camera", responses=documented(404))
async def get(camera_id: str, context: In) -> CameraView:
    return _view(await context.store.cameras.get(camera_id))


@router.patch("/{camera_id}", summary="Change a camera", responses=documented(404, 422))
async def change(camera_id: str, body: CameraChange, context: In) -> CameraView:
    """Only the given fields change; the capture starts anew with them, but for the alarm budget alone."""
    before = await context.store.cameras.get(camera_id)
    changes = _unmasked(body.fields(), before)
    if isinstance(changes.get("source"), str):
        await check_source(changes["source"], context.settings, context.disk)
    try:
        return _view(await context.store.cameras.change(camera_id, changes))
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None


@router.delete("/{camera_id}", status_code=204, summary="Remove a camera", responses=documented(404))
async def delete(camera_id: str, context: In) -> None:
    """All of it goes, but its alerts, which stay for their retention, and its banks, which stay on disk."""
    await context.store.cameras.delete(camera_id)
    await context.store.enrolments.forget(camera_id)


def _view(camera: Camera) -> CameraView:
    return CameraView.model_validate(camera.public())


def _unmasked(changes: dict[str, Any], before: Camera) -> dict[str, Any]:
    """Without the secrets that come back as they were shown."""
    kept = dict(changes)
    if kept.get("source") == str(Source.parse(before.source)):
        del kept["source"]
    password = kept.get("publish_password")
    if password is not None and password.get_secret_value() == MASK:
        del kept["publish_password"]
    return kept
