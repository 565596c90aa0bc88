"""What goes on at each camera."""

from __future__ import annotations

from fastapi import APIRouter

from patchwatch.messages.camera import Camera
from service.context import Context, In
from service.health import Diagnosis, Health, diagnose
from service.problem import documented
from service.schemas.enrolment import EnrolmentNotice
from service.schemas.models import (  # fmt: skip
    AnalysisView,
    CameraStatus,
    CaptureView,
    FrameAccount,
    GapView,
    ScorePoint,
    StatusList,
    ThresholdList,
)
from service.store.statuses import CameraRecord

router = APIRouter(tags=["status"])


@router.get("/status", summary="Status of all cameras")
async def index(context: In) -> StatusList:
    cameras = await context.store.cameras.all()
    return StatusList(statuses=await statuses(context, cameras))


@router.get("/cameras/{camera_id}/status", summary="Status of a camera", responses=documented(404))
async def get(camera_id: str, context: In) -> CameraStatus:
    """Capture, analysis, and the account of every frame."""
    camera = await context.store.cameras.get(camera_id)
    (status,) = await statuses(context, [camera])
    return status


@router.get("/cameras/{camera_id}/thresholds", summary="What alarm budgets mean", responses=documented(404))
async def thresholds(camera_id: str, context: In) -> ThresholdList:
    """The score above which alerts open at so many false alarms a day, from this camera's own normal footage."""
    camera = await context.store.cameras.get(camera_id)
    (record,) = await context.store.statuses.read([camera.id])
    analysis = record.analysis
    return ThresholdList(
        camera_id=camera.id,
        threshold=analysis.threshold if analysis else None,
        thresholds=list(analysis.thresholds) if analysis else [],
    )


async def statuses(context: Context, cameras: list[Camera]) -> list[CameraStatus]:
    """In the order given."""
    ids = [camera.id for camera in cameras]
    records, notices = await context.store.statuses.read(ids), await learning(context, ids)
    return views(context, cameras, records, notices, await context.now_ms())


def views(
    context: Context,
    cameras: list[Camera],
    records: list[CameraRecord],
    notices: list[EnrolmentNotice | None],
    at_ms: int,
) -> list[CameraStatus]:
    """What is shown of the cameras' records at that time, in the order given."""
    return [
        _status(camera, record, notice, diagnose(camera, record, at_ms, context.stale_after_s), at_ms)
        for camera, record, notice in zip(cameras, records, notices, strict=True)
    ]


async def learning(context: Context, camera_ids: list[str]) -> list[EnrolmentNotice | None]:
    """The latest enrolment of each camera."""
    latest = await context.store.enrolments.latest(camera_ids)
    there = [record for record in latest if record is not None]
    places = dict(zip([one.id for one in there], await context.store.enrolments.places(there), strict=True))
    return [EnrolmentNotice.of(record, places[record.id]) if record else None for record in latest]


def _status(
    camera: Camera, record: CameraRecord, notice: EnrolmentNotice | None, diagnosis: Diagnosis, at_ms: int
) -> CameraStatus:
    capture, analysis, score = record.capture, record.analysis, record.last_score
    return CameraStatus(
        camera_id=camera.id,
        health=diagnosis.health,
        reason=_reason(diagnosis, notice),
        random_weights=bool(analysis and analysis.random_weights) or bool(score and score.random_weights),
        last_score=ScorePoint.of(score) if score else None,
        score_age_s=round(max(0.0, at_ms / 1000 - score.scored_at_ns / 1e9), 3) if score else None,
        lag_s=round((score.scored_at_ns - score.captured_at_ns) / 1e9, 3) if score else None,
        last_frame=capture.last_frame_at_ms if capture else None,
        last_gap=GapView.of(capture.last_gap) if capture and capture.last_gap else None,
        frames=FrameAccount.of(record.account),
        capture=CaptureView.of(capture) if capture else None,
        analysis=AnalysisView.of(analysis) if analysis else None,
        enrolment=notice,
        ingest_worker=record.ingest_worker,
        inference_worker=record.inference_worker,
    )


def _reason(diagnosis: Diagnosis, notice: EnrolmentNotice | None) -> str:
    """A camera that is learning needs no advice to learn."""
    if diagnosis.health is Health.NO_BANK and notice and notice.state.pending:
        return f"it is not scored yet: {notice.text}"
    return diagnosis.reason
