"""The health of a camera in one word, with the reason. A camera that is not scored always says why."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.contract.learning_advice import nothing_learnt
from patchwatch.contract.timestamps import iso
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus, OpenCondition
from patchwatch.messages.cameras.camera import Camera, Tls
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from service.schemas.cameras.status import Health
from service.store.cameras.statuses import CameraRecord

_CAPTURE_TIMEOUT_MS = 10_000  # the ingest worker writes about once a second


@dataclass(frozen=True)
class Diagnosis:
    """A camera's health, and in words why it is not well and what to do."""

    health: Health
    reason: str


_HEALTH_OF_CAPTURE = {
    CaptureState.CONNECTING: Health.CONNECTING,
    CaptureState.STALLED: Health.STALLED,
    CaptureState.OFFLINE: Health.OFFLINE,
    CaptureState.FAILED: Health.FAILED,
    CaptureState.ENDED: Health.ENDED,
    CaptureState.DISABLED: Health.DISABLED,
}

# The health is shown in front of its reason, so no reason begins with the same word.
_DEFAULT_REASONS = {
    Health.CONNECTING: "no frame has arrived yet",
    Health.STALLED: "frames arrived before, and have stopped",
    Health.OFFLINE: "the camera cannot be reached",
    Health.FAILED: "correct the source of the camera",
    Health.ENDED: "the recording was read to its end",
    Health.DISABLED: "switched off",
}


def diagnose(camera: Camera, record: CameraRecord, now_ms: int, stale_after_s: float) -> Diagnosis:
    """The first thing that is wrong on the way of a frame from the camera to its score."""
    if not camera.enabled:
        how = f"`patchwatch cameras enable {camera.id}`, or PATCH it with enabled=true"
        return Diagnosis(Health.DISABLED, f"switched off: {how}")
    return _capture_fault(record, now_ms) or _analysis_diagnosis(camera, record, now_ms, stale_after_s)


def _capture_fault(record: CameraRecord, now_ms: int) -> Diagnosis | None:
    capture = record.capture
    if capture is None:
        return Diagnosis(
            Health.UNATTENDED, "no ingest worker has taken this camera yet: is `patchwatch run ingest` running?"
        )
    # After a final state (a file that ended, a wrong password) the ingest worker writes no more, and the record stays
    # true.
    final = capture.state in (CaptureState.ENDED, CaptureState.FAILED, CaptureState.DISABLED)
    silent_ms = _distance_ms(now_ms, capture.updated_at_ms)
    if silent_ms > _CAPTURE_TIMEOUT_MS and not final:
        return Diagnosis(
            Health.UNATTENDED,
            f"the ingest worker has not reported for {silent_ms / 1000:.0f} s: "
            + _why_late(record.ingest_worker, "ingest"),
        )
    health = _HEALTH_OF_CAPTURE.get(capture.state)
    if health is None:
        return None
    reason = ": ".join(part for part in (capture.reason, capture.detail) if part)
    return Diagnosis(health, reason or _DEFAULT_REASONS[health])


def _analysis_diagnosis(camera: Camera, record: CameraRecord, now_ms: int, stale_after_s: float) -> Diagnosis:
    analysis = record.analysis
    if analysis is None:
        return Diagnosis(
            Health.UNATTENDED, "no inference worker has taken this camera yet: is `patchwatch run inference` running?"
        )
    if analysis.state == AnalysisState.NO_BANK:
        return Diagnosis(Health.NO_BANK, nothing_learnt(camera.id, camera.profile))
    if analysis.state != AnalysisState.SCORING:
        return Diagnosis(Health(analysis.state.value), analysis.detail)
    if record.last_score is None:
        return Diagnosis(Health.STALE, "no frame has been scored yet")
    overloaded = _overload_warning(record.capture, analysis)
    age_s = _distance_ms(now_ms, record.last_score.scored_at_ns // 1_000_000) / 1000
    if age_s > stale_after_s:
        why = overloaded or _why_late(record.inference_worker, "inference")
        return Diagnosis(Health.STALE, f"the last score is {age_s:.0f} s old: {why}")
    if analysis.condition is not None:
        return Diagnosis(Health.BLIND, _condition_reason(analysis.condition))
    warnings = (overloaded, _tls_warning(camera), analysis.corrections_fault, analysis.detail)
    return Diagnosis(Health.OK, "; ".join(filter(None, warnings)))


def _distance_ms(now_ms: int, then_ms: int) -> int:
    """Milliseconds between now and a record's time, which may lie in the future.

    Such a record was written while the clock of Redis was ahead, by a worker that has not written since. It is as stale
    as it is far away.
    """
    return abs(now_ms - then_ms)


def _tls_warning(camera: Camera) -> str:
    if camera.tls is not Tls.UNVERIFIED:
        return ""
    return (
        "unverified TLS: whoever answers at its address gets its password; set tls_fingerprint, or tls_verify=true: "
        f"`patchwatch cameras update {camera.id} --tls-verify`"
    )


def _condition_reason(condition: OpenCondition) -> str:
    name = "nothing can be seen" if condition.kind is AlertKind.BLIND else condition.kind.value
    return f"{name} since {iso(condition.since_ms)}: {condition.detail}"


def _why_late(worker: str | None, role: str) -> str:
    """``worker``: the one that has the camera by its lease, which it would lose if it had died."""
    if worker is None:
        return f"is `patchwatch run {role}` running?"
    return (
        f"{worker} runs, so its machine is overloaded: give it fewer cameras, or run `patchwatch run {role}` on another"
    )


def _overload_warning(capture: CaptureStatus | None, analysis: AnalysisStatus) -> str:
    """Fewer frames are taken, or even those are dropped; where nothing can be seen for that, the condition says so."""
    slowed = capture is not None and capture.overloaded
    if analysis.condition is not None or not (slowed or analysis.overloaded):
        return ""
    rate = f"analysed at {capture.analysis_fps:.3g} of {capture.configured_fps:.3g} fps: " if slowed and capture else ""
    drops = " and drops frames unanalysed, so short events are missed" if analysis.overloaded else ""
    return (
        f"{rate}the machine is overloaded{drops}; run `patchwatch run inference` on another one too, or lower "
        "PATCHWATCH_ANALYSIS_FPS"
    )
