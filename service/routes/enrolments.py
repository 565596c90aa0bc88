"""Enrolments: learning a camera's normal from recordings or from the camera itself."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Response
from pydantic import ValidationError

from patchwatch.messages.camera import Camera
from patchwatch.messages.status import Enrolment
from service.context import In
from service.footage import check_source
from service.models import EnrolmentList, EnrolmentView, NewEnrolment
from service.problem import InvalidFieldsError, documented
from service.proxy import Prefix

router = APIRouter(tags=["enrolments"])


@router.post(
    "/cameras/{camera_id}/enrolments", status_code=202, summary="Learn a bank", responses=documented(404, 409, 422)
)
async def create(camera_id: str, body: NewEnrolment, response: Response, context: In, prefix: Prefix) -> EnrolmentView:
    """Queues the work; follow it at the address in `Location`. The new bank is used as soon as it is written."""
    camera = await context.store.cameras.get(camera_id)
    for number, source in enumerate(body.sources):
        check_source(source, context.settings, f"body.sources.{number}", files_only=True)
    profile = _checked_profile(body.profile) if body.profile else camera.profile
    at_ms = await context.now_ms()
    record = Enrolment(
        id=secrets.token_hex(8),
        camera_id=camera_id,
        profile=profile,
        sources=tuple(body.sources),
        live_seconds=body.live_seconds,
        analysis_fps=camera.analysis_fps,
        false_alarms_per_day=camera.false_alarms_per_day,
        created_at_ms=at_ms,
        updated_at_ms=at_ms,
    )
    await context.store.enrolments.ask(record)
    response.headers["Location"] = f"{prefix}/api/v1/enrolments/{record.id}"
    return EnrolmentView.of(record)


@router.get("/cameras/{camera_id}/enrolments", summary="List a camera's enrolments", responses=documented(404))
async def index(camera_id: str, context: In) -> EnrolmentList:
    await context.store.cameras.get(camera_id)
    return EnrolmentList(enrolments=[EnrolmentView.of(one) for one in await context.store.enrolments.of(camera_id)])


@router.get("/enrolments/{enrolment_id}", summary="Get an enrolment", responses=documented(404))
async def get(enrolment_id: str, context: In) -> EnrolmentView:
    return EnrolmentView.of(await context.store.enrolments.get(enrolment_id))


def _checked_profile(name: str) -> str:
    try:
        return Camera(id="any", profile=name).profile
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
