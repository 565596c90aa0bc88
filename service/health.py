"""The health of a camera in one word with its reason: a camera is never silently off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from patchwatch.contract.learning_advice import nothing_learnt
from patchwatch.messages.alert import AlertKind
from patchwatch.messages.analysis_status import AnalysisState, OpenCondition
from patchwatch.messages.camera import Camera, Tls
from patchwatch.messages.capture_status import CaptureState, CaptureStatus
from service.store.statuses import CameraRecord

_CAPTURE_SILENT_MS = 10_000  # the ingest worker writes about once a second


class Health(StrEnum):
    """``ok`` means that fresh scores come in; every other word is a reason to look."""

    OK = "ok"
    DISABLED = "disabled"
    UNATTENDED = "unattended"  # no ingest worker, or no inference worker, takes care of it
    CONNECTING = "connecting"
    STALLED = "stalled"
    OFFLINE = "offline"
    FAILED = "failed"
    ENDED = "ended"
    LOADING = "loading"
    NO_BANK = "no_bank"
    BANK_REJECTED = "bank_rejected"
    WEIGHTS_MISSING = "weights_missing"
    STALE = "stale"  # frames come, scores do not
    BLIND = "blind"  # scores come, but no anomaly would be told: the picture shows none


@dataclass(frozen=True)
class Diagnosis:
    health: Health
    reason: str


_OF_CAPTURE = {
    CaptureState.CONNECTING: Health.CONNECTING,
    CaptureState.STALLED: Health.STALLED,
    CaptureState.OFFLINE: Health.OFFLINE,
    CaptureState.FAILED: Health.FAILED,
    CaptureState.ENDED: Health.ENDED,
    CaptureState.DISABLED: Health.DISABLED,
}

# The health stands before its reason wherever both are shown: no reason begins with the same word.
_WITHOUT_DETAIL = {
    Health.CONNECTING: "no frame has come yet",
    Health.STALLED: "frames came, and come no more",
    Health.OFFLINE: "nothing comes from the camera",
    Health.FAILED: "its source has to be corrected",
    Health.ENDED: "the recording was read to its end",
    Health.DISABLED: "switched off",
}


def diagnose(camera: Camera, record: CameraRecord, now_ms: int, stale_after_s: float) -> Diagnosis:
    """The first thing that is wrong on a frame's way from the camera to its score."""
    if not camera.enabled:
        how = f"`patchwatch cameras enable {camera.id}`, or PATCH it with enabled=true"
        return Diagnosis(Health.DISABLED, f"switched off: {how}")
    return _of_capture(record.capture, now_ms) or _of_analysis(camera, record, now_ms, stale_after_s)


def _of_capture(capture: CaptureStatus | None, now_ms: int) -> Diagnosis | None:
    if capture is None:
        return Diagnosis(
            Health.UNATTENDED, "no ingest worker has taken this camera yet: is `patchwatch run ingest` up?"
        )
    # A file that ended, a wrong password: the ingest worker has no more to say, its record stays true.
    final = capture.state in (CaptureState.ENDED, CaptureState.FAILED, CaptureState.DISABLED)
    silent_ms = _apart(now_ms, capture.updated_at_ms)
    if silent_ms > _CAPTURE_SILENT_MS and not final:
        return Diagnosis(
            Health.UNATTENDED,
            f"the ingest worker has said nothing for {silent_ms / 1000:.0f} s: is `patchwatch run ingest` up?",
        )
    health = _OF_CAPTURE.get(capture.state)
    if health is None:
        return None
    told = ": ".join(part for part in (capture.reason, capture.detail) if part)
    return Diagnosis(health, told or _WITHOUT_DETAIL[health])


def _of_analysis(camera: Camera, record: CameraRecord, now_ms: int, stale_after_s: float) -> Diagnosis:
    analysis = record.analysis
    if analysis is None:
        return Diagnosis(
            Health.UNATTENDED, "no inference worker has looked at this camera yet: is `patchwatch run inference` up?"
        )
    if analysis.state == AnalysisState.NO_BANK:
        return Diagnosis(Health.NO_BANK, nothing_learnt(camera.id, camera.profile))
    if analysis.state != AnalysisState.SCORING:
        return Diagnosis(Health(analysis.state.value), analysis.detail)
    if record.last_score is None:
        return Diagnosis(Health.STALE, "no score yet")
    age_s = _apart(now_ms, record.last_score.scored_at_ns // 1_000_000) / 1000
    if age_s > stale_after_s:
        return Diagnosis(Health.STALE, f"the last score is {age_s:.0f} s old: is `patchwatch run inference` up?")
    if analysis.condition is not None:
        return Diagnosis(Health.BLIND, _told(analysis.condition))
    return Diagnosis(Health.OK, "; ".join(filter(None, (_overload(record.capture), _unverified(camera)))))


def _apart(now_ms: int, then_ms: int) -> int:
    """Milliseconds since something was said.

    What stands in the future is as far from now: it was said while the clock of Redis was ahead, by a worker that has
    not spoken again since.
    """
    return abs(now_ms - then_ms)


def _unverified(camera: Camera) -> str:
    if camera.tls is not Tls.UNVERIFIED:
        return ""
    return (
        "unverified TLS: whoever answers at its address gets its password; set tls_fingerprint, or tls_verify=true: "
        f"`patchwatch cameras set {camera.id} --tls-verify`"
    )


def _told(condition: OpenCondition) -> str:
    since = datetime.fromtimestamp(condition.since_ms / 1000, UTC).isoformat(timespec="seconds")
    what = "nothing can be seen" if condition.kind is AlertKind.BLIND else condition.kind.value
    return f"{what} since {since}: {condition.detail}"


def _overload(capture: CaptureStatus | None) -> str:
    if capture is None or not capture.overloaded:
        return ""
    return (
        f"analysed at {capture.analysis_fps:.3g} of {capture.configured_fps:.3g} fps: the machine is overloaded; "
        "run `patchwatch run inference` on another one too, or lower PATCHWATCH_ANALYSIS_FPS"
    )
