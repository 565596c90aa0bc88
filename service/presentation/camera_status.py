"""The status of cameras, from the records of the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.cameras.camera import Camera
from service.context import Context
from service.presentation.arming import arming_of
from service.presentation.camera_health import Diagnosis, diagnose
from service.presentation.reports.confirmed_share import confirmed_share
from service.schemas.banks.enrolment import EnrolmentNotice
from service.schemas.budget import BudgetView
from service.schemas.cameras.score import ScorePoint
from service.schemas.cameras.status import (
    AnalysisView,
    ArmingView,
    CameraStatus,
    CaptureView,
    FrameAccount,
    GapView,
    Health,
    StatusList,
)
from service.store.cameras.statuses import CameraRecord


async def camera_statuses(context: Context, cameras: list[Camera]) -> list[CameraStatus]:
    """The status of each camera, in the order given."""
    return (await _statuses_of(context, cameras))()


async def status_list(context: Context, cameras: list[Camera]) -> bytes:
    """A `StatusList` as JSON. With thousands of cameras it takes seconds: in a thread, where it does not delay other
    requests, and in one go from records to text."""
    statuses = await _statuses_of(context, cameras)
    return await asyncio.to_thread(lambda: StatusList(statuses=statuses()).model_dump_json(by_alias=True).encode())


async def _statuses_of(context: Context, cameras: list[Camera]) -> Callable[[], list[CameraStatus]]:
    ids = [camera.id for camera in cameras]
    records, notices = await context.store.statuses.read(ids), await enrolment_notices(context, ids)
    return partial(statuses_from_records, context, cameras, records, notices, await context.now_ms())


def statuses_from_records(
    context: Context,
    cameras: list[Camera],
    records: list[CameraRecord],
    notices: list[EnrolmentNotice | None],
    now_ms: int,
) -> list[CameraStatus]:
    """The status at ``now_ms`` of each camera, in the order given."""
    return [
        _status(camera, record, notice, context, now_ms)
        for camera, record, notice in zip(cameras, records, notices, strict=True)
    ]


async def enrolment_notices(context: Context, camera_ids: list[str]) -> list[EnrolmentNotice | None]:
    """The latest enrolment of each camera."""
    latest = await context.store.enrolments.latest(camera_ids)
    existing = [record for record in latest if record is not None]
    places = await context.store.enrolments.places(existing)
    place_of = dict(zip([record.id for record in existing], places, strict=True))
    return [EnrolmentNotice.from_record(record, place_of[record.id]) if record else None for record in latest]


def _status(
    camera: Camera, record: CameraRecord, notice: EnrolmentNotice | None, context: Context, now_ms: int
) -> CameraStatus:
    diagnosis = diagnose(camera, record, now_ms, context.stale_after_s)
    arming = arming_of(camera, record, context.settings)
    capture, analysis, score = record.capture, record.analysis, record.last_score
    return CameraStatus(
        camera_id=camera.id,
        health=diagnosis.health,
        reason=_reason(diagnosis, notice, arming, camera),
        random_weights=bool(analysis and analysis.random_weights) or bool(score and score.random_weights),
        last_score=ScorePoint.from_score(score) if score else None,
        score_age_s=round(max(0.0, now_ms / 1000 - score.scored_at_ns / 1e9), 3) if score else None,
        lag_s=round((score.scored_at_ns - score.captured_at_ns) / 1e9, 3) if score else None,
        last_frame=capture.last_frame_at_ms if capture else None,
        last_gap=GapView.from_gap(capture.last_gap) if capture and capture.last_gap else None,
        frames=FrameAccount.from_account(record.account),
        capture=CaptureView.from_status(capture) if capture else None,
        analysis=AnalysisView.from_status(analysis) if analysis else None,
        arming=arming,
        budget=BudgetView.from_camera(camera, context.settings.false_alarms_per_day),
        enrolment=notice,
        alerts_confirmed_share=confirmed_share(record.verdicts),
        ingest_worker=record.ingest_worker,
        inference_worker=record.inference_worker,
    )


def _reason(diagnosis: Diagnosis, notice: EnrolmentNotice | None, arming: ArmingView, camera: Camera) -> str:
    """A camera that is learning already needs no advice to learn; one that is scored says how far it is known."""
    if diagnosis.health is Health.NO_BANK:
        if notice and notice.state.pending:
            return f"it is not scored yet: {notice.text}"
        return f"it is not scored yet: {arming.text}" if arming.state is ArmingState.LEARNING else diagnosis.reason
    provisional = arming.text if arming.state is ArmingState.PROVISIONAL else ""
    adopted = f"new: it came by itself; look at it, then `patchwatch cameras acknowledge {camera.id}`"
    if diagnosis.health is Health.OK:
        return "; ".join(filter(None, (adopted if camera.adopted else "", diagnosis.reason, provisional)))
    return diagnosis.reason
