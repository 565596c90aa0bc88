"""Absence: what nearly always happens by a certain time of the week did not."""

from __future__ import annotations

from service.context import ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.cameras.absence import AbsenceView

router = api_router("/cameras/{camera_id}/absence", tag="status")


@router.get("", summary="Whether something is absent", responses=documented(404))
async def get(camera_id: str, context: ContextDep) -> AbsenceView:
    """With the activity that it is judged by, for each quarter of an hour of the last weeks. Switch it on with the
    camera's `absence_chance`."""
    camera = await context.store.cameras.get(camera_id)
    absences = context.store.absences
    return AbsenceView.of(camera, await absences.of(camera_id), await absences.weeks(camera_id))
