"""The status and the thresholds of cameras."""

from __future__ import annotations

from fastapi import Response

from service.context import ContextDep
from service.presentation.camera_status import camera_statuses, status_list
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.cameras.status import CameraStatus, StatusList, ThresholdList

router = api_router(tag="status")


@router.get("/status", summary="Status of all cameras", response_model=StatusList)
async def index(context: ContextDep) -> Response:
    cameras = await context.store.cameras.all()
    return Response(await status_list(context, cameras), media_type="application/json")


@router.get("/cameras/{camera_id}/status", summary="Status of a camera", responses=documented(404))
async def get(camera_id: str, context: ContextDep) -> CameraStatus:
    """Health, capture, analysis, and the account of every frame."""
    camera = await context.store.cameras.get(camera_id)
    (status,) = await camera_statuses(context, [camera])
    return status


@router.get("/cameras/{camera_id}/thresholds", summary="Thresholds for alarm budgets", responses=documented(404))
async def thresholds(camera_id: str, context: ContextDep) -> ThresholdList:
    """The score above which alerts open, for several numbers of false alarms a day. Measured on the normal footage of
    this camera."""
    camera = await context.store.cameras.get(camera_id)
    (record,) = await context.store.statuses.read([camera.id])
    analysis = record.analysis
    return ThresholdList(
        camera_id=camera.id,
        threshold=analysis.threshold if analysis else None,
        thresholds=list(analysis.thresholds) if analysis else [],
    )
