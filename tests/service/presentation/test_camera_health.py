from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import ResponseError

from patchwatch.bus.accounting import account_from_answers
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus, OpenCondition
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frames.score import Score
from service.presentation.camera_health import diagnose
from service.schemas.cameras.status import Health
from service.store.cameras.statuses import CameraRecord

NOW_MS = 1_800_000_000_000


def test_every_state_of_the_workers_is_a_health() -> None:
    words = {health.value for health in Health}
    assert {state.value for state in CaptureState} - {CaptureState.LIVE.value} <= words
    assert {state.value for state in AnalysisState} - {AnalysisState.SCORING.value} <= words


def test_a_blind_camera_is_not_ok_and_says_why_and_since_when() -> None:
    analysis = AnalysisStatus(
        camera_id="door", state=AnalysisState.SCORING, profile="motion", updated_at_ms=NOW_MS,
        condition=OpenCondition(kind=AlertKind.BLIND, since_ms=NOW_MS - 60_000, detail="pictures come 2.0 s apart"),
    )  # fmt: skip
    result = diagnose(Camera(id="door", source="push:"), _record(analysis), NOW_MS, 10.0)
    assert result.health is Health.BLIND
    assert result.reason == "nothing can be seen since 2027-01-15T07:59:00.000Z: pictures come 2.0 s apart"
    well = analysis.model_copy(update={"condition": None})
    assert diagnose(Camera(id="door", source="push:"), _record(well), NOW_MS, 10.0).health is Health.OK


@pytest.mark.parametrize(("ahead", "health"), [("capture", Health.UNATTENDED), ("last_score", Health.STALE)])
def test_records_that_a_dead_worker_wrote_while_the_clock_was_ahead_are_stale(ahead: str, health: Health) -> None:
    """It would be until that time comes."""
    analysis = AnalysisStatus(camera_id="door", state=AnalysisState.SCORING, profile="motion", updated_at_ms=NOW_MS)
    record, later_ms = _record(analysis), NOW_MS + 400 * 86_400_000
    assert record.capture is not None
    assert record.last_score is not None
    said: dict[str, Any] = {
        "capture": record.capture.model_copy(update={"updated_at_ms": later_ms}),
        "last_score": replace(record.last_score, scored_at_ns=later_ms * 10**6),
    }
    record = replace(record, **{ahead: said[ahead]})
    assert diagnose(Camera(id="door", source="push:"), record, NOW_MS, 10.0).health is health


@pytest.mark.parametrize(("late", "role"), [("capture", "ingest"), ("last_score", "inference")])
@pytest.mark.parametrize("worker", ["nvr-1", None])
def test_a_worker_that_is_late_and_alive_is_overloaded_and_not_missing(
    late: str, role: str, worker: str | None
) -> None:
    analysis = AnalysisStatus(camera_id="door", state=AnalysisState.SCORING, profile="motion", updated_at_ms=NOW_MS)
    record, long_ago_ms = _record(analysis), NOW_MS - 60_000
    assert record.capture is not None
    assert record.last_score is not None
    said: dict[str, Any] = {
        "capture": record.capture.model_copy(update={"updated_at_ms": long_ago_ms}),
        "last_score": replace(record.last_score, scored_at_ns=long_ago_ms * 10**6),
    }
    record = replace(record, **{late: said[late], f"{role}_worker": worker})
    reason = diagnose(Camera(id="door", source="push:"), record, NOW_MS, 10.0).reason
    assert ("nvr-1 runs, so its machine is overloaded" in reason) is (worker is not None)
    assert (f"is `patchwatch run {role}` running?" in reason) is (worker is None)


def test_a_camera_that_is_switched_off_names_the_command() -> None:
    analysis = AnalysisStatus(camera_id="door", state=AnalysisState.SCORING, profile="motion", updated_at_ms=NOW_MS)
    result = diagnose(Camera(id="door", source="push:", enabled=False), _record(analysis), NOW_MS, 10.0)
    assert result.health is Health.DISABLED
    assert "`patchwatch cameras enable door`" in result.reason


@pytest.mark.parametrize("state", sorted(set(CaptureState) - {CaptureState.LIVE}))
def test_a_reason_never_repeats_the_health(state: CaptureState) -> None:
    capture = CaptureStatus(camera_id="door", state=state, since_ms=NOW_MS, updated_at_ms=NOW_MS)
    analysis = AnalysisStatus(camera_id="door", state=AnalysisState.SCORING, profile="motion", updated_at_ms=NOW_MS)
    result = diagnose(Camera(id="door", source="push:"), replace(_record(analysis), capture=capture), NOW_MS, 10.0)
    assert result.health.value == state.value
    assert result.reason
    assert not result.reason.startswith(result.health.value)


def _record(analysis: AnalysisStatus) -> CameraRecord:
    capture = CaptureStatus(camera_id="door", state=CaptureState.LIVE, since_ms=NOW_MS, updated_at_ms=NOW_MS)
    score = Score(1, NOW_MS * 10**6, NOW_MS * 10**6, 0.0, 0.1, (), None, None)
    account = account_from_answers(capture, [{}, [None, None], ResponseError("no such key")])
    return CameraRecord(capture, analysis, account, score, None, None)
