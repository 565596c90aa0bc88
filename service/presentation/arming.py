"""How far a camera's normal is known: what its status says of its arming, from the records of the workers."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.contract.settings import Settings
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import ArmingState, MemoryStatus
from patchwatch.messages.cameras.analysis_status import AnalysisState
from patchwatch.messages.cameras.camera import Camera
from service.schemas.cameras.status import ArmingView
from service.store.cameras.statuses import CameraRecord

_UNUSUAL = {
    AnomalyKind.BEHAVIOUR: "unusual behaviour",
    AnomalyKind.PLACE: "unusual places and appearances",
    AnomalyKind.THING: "unusual things",
}


def arming_of(camera: Camera, record: CameraRecord, settings: Settings) -> ArmingView:
    """Of a camera that is scored, by its bank; of one without a bank, by what is remembered of it."""
    analysis = record.analysis
    by_itself = camera.self_arms(settings.self_arm) and settings.memory_mb > 0
    memory = record.memory if record.memory and record.memory.profile == camera.profile else None
    nothing_yet = MemoryStatus(camera_id=camera.id, profile=camera.profile, first_bank_s=settings.self_arm_after_s)
    known = memory or nothing_yet
    state = analysis.arming if analysis else None
    if state is None and by_itself and (analysis is None or analysis.state is AnalysisState.NO_BANK):
        state = ArmingState.LEARNING
    threshold = analysis.threshold if analysis else None
    page_only = threshold is not None and threshold.is_page_only(settings.notify_within_budgets)
    armed_for, not_armed_for = (analysis.armed_for, analysis.not_armed_for) if analysis else ((), ())
    return ArmingView(
        state=state,
        text=_text(state, memory, armed_for, not_armed_for, page_only=page_only),
        by_itself=by_itself,
        armed_for=list(armed_for),
        not_armed_for=list(not_armed_for),
        remembered_s=known.extent.seconds,
        first_bank_s=known.first_bank_s,
        chosen_bank=known.chosen,
        next_step=_next_step(known) if by_itself else "",
        page_only=page_only,
    )


def _text(
    state: ArmingState | None,
    memory: MemoryStatus | None,
    armed_for: Sequence[AnomalyKind],
    not_armed_for: Sequence[AnomalyKind],
    *,
    page_only: bool,
) -> str:
    if state is ArmingState.LEARNING:
        return _learning(memory)
    if state is ArmingState.PROVISIONAL:
        enough = f"enough for {_listed(armed_for)}, not yet for {_listed(not_armed_for)}"
        known = enough if armed_for and not_armed_for else "little is known yet of what is normal"
        held = ", so its anomalies stand on the page for now and nobody is notified of them" if page_only else ""
        return f"provisional: {known}; expect more false alarms than later{held}"
    if state is ArmingState.ARMED:
        return f"armed; it still learns what is normal for {_listed(not_armed_for)}" if not_armed_for else "armed"
    return ""


def _learning(memory: MemoryStatus | None) -> str:
    if memory is None:
        return "it learns by itself once there is an enrolment worker: is `patchwatch run enrolment` running?"
    seconds, first_bank_s = memory.extent.seconds, memory.first_bank_s
    if not seconds:
        return "it learns what is normal by itself as soon as pictures arrive, and is scored after that"
    if seconds >= first_bank_s:
        return f"it learns what is normal from the {seconds:.0f} s that it has seen, and is scored in a moment"
    left_s = first_bank_s - seconds
    return f"it learns what is normal: seen for {seconds:.0f} of {first_bank_s:.0f} s, scored in about {left_s:.0f} s"


def _next_step(memory: MemoryStatus) -> str:
    if memory.chosen is None:
        return memory.next_step
    return f"what it learns by itself is only kept, because an operator activated bank {memory.chosen}"


def _listed(kinds: Sequence[AnomalyKind]) -> str:
    words = [_UNUSUAL[kind] for kind in kinds]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "any kind of anomaly"
