"""Enrolments: learning what is normal for a camera, from recordings or from the live camera."""

from __future__ import annotations

import secrets

from fastapi import Response
from pydantic import ValidationError

from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.cameras.camera import Camera
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import ForbiddenError, InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.video_source import check_recordings
from service.schemas.banks.enrolment import EnrolmentList, EnrolmentView, NewEnrolment

router = api_router(tag="enrolments")


@router.post(
    "/cameras/{camera_id}/enrolments", status_code=202, summary="Learn a bank", responses=documented(404, 409, 422, 429)
)
async def create(
    camera_id: str, body: NewEnrolment, response: Response, context: ContextDep, prefix: LinkPrefix
) -> EnrolmentView:
    """Queues the enrolment; follow it at the address in `Location`. The camera is scored with the new bank at once. If
    it is worse than the present bank and `activate` is not set, it is only kept. See banks."""
    camera = await context.store.cameras.get(camera_id)
    if body.sources and not context.caller.sees_all:
        raise ForbiddenError("recordings may show any camera: let somebody who sees all cameras learn from them")
    await check_recordings(body.sources, context.settings, context.disk)
    profile = _checked_profile(body.profile) if body.profile else camera.profile
    now_ms = await context.now_ms()
    record = Enrolment(
        id=secrets.token_hex(8),
        camera_id=camera_id,
        profile=profile,
        sources=tuple(body.sources),
        live_seconds=body.live_seconds,
        from_memory=body.from_memory,
        activate=body.activate,
        analysis_fps=camera.analysis_fps,
        false_alarms_per_day=camera.false_alarms_per_day,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    await context.store.enrolments.create(record)
    response.headers["Location"] = f"{prefix}/api/v1/enrolments/{record.id}"
    return (await _views(context, [record]))[0]


@router.get("/cameras/{camera_id}/enrolments", summary="List a camera's enrolments", responses=documented(404))
async def index(camera_id: str, context: ContextDep) -> EnrolmentList:
    await context.store.cameras.get(camera_id)
    return EnrolmentList(enrolments=await _views(context, await context.store.enrolments.of_camera(camera_id)))


@router.delete(
    "/cameras/{camera_id}/enrolments/{enrolment_id}", summary="Cancel an enrolment", responses=documented(404, 409)
)
async def cancel(camera_id: str, enrolment_id: str, context: ContextDep) -> EnrolmentView:
    """Cancels a queued or running enrolment; the banks stay as they are. A running one stops within a second."""
    await context.store.cameras.get(camera_id)
    cancelled = await context.store.enrolments.cancel(camera_id, enrolment_id, await context.now_ms())
    return (await _views(context, [cancelled]))[0]


@router.get("/enrolments", summary="List the enrolments of all cameras")
async def everything(context: ContextDep) -> EnrolmentList:
    return EnrolmentList(enrolments=await _views(context, await context.store.enrolments.all()))


@router.get("/enrolments/{enrolment_id}", summary="Get an enrolment", responses=documented(404))
async def get(enrolment_id: str, context: ContextDep) -> EnrolmentView:
    return (await _views(context, [await context.store.enrolments.get(enrolment_id)]))[0]


async def _views(context: Context, records: list[Enrolment]) -> list[EnrolmentView]:
    places = await context.store.enrolments.places(records)
    return [EnrolmentView.from_record(record, place) for record, place in zip(records, places, strict=True)]


def _checked_profile(name: str) -> str:
    try:
        return Camera(id="any", profile=name).profile  # the rules for names of profiles are those of a camera
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
