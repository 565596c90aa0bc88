"""Whether a lasting change is admitted to a camera's normal: never against an operator's word, and never without
bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.memory.lasting_change import LastingChange
from patchwatch.contract.errors import ConflictError
from patchwatch.messages.cameras.correction import (
    MOST_SPANS,
    OUTDATED,
    CameraCorrections,
    Correction,
    CorrectionKind,
    Span,
)

BY = OUTDATED  # who made these corrections
MOST = 16  # in force of one camera: the oldest are part of normal anyway by then
LASTS_MS = 60 * 86_400_000  # likewise
MOST_A_DAY = 4
DAY_MS = 86_400_000
AFTER_UNDOING_MS = 7 * DAY_MS  # so long after an operator took one back none is admitted


def admitted(
    before: CameraCorrections, change: LastingChange, note: str, alert_ids: Sequence[str], correction_id: str,
    now_ms: int,
) -> CameraCorrections:  # fmt: skip
    """The corrections with this change as a further one. ``alert_ids``: of the alerts about it, of which one that is
    called an anomaly takes it back. Raises `ConflictError` that says why it must not be."""
    why_not = refusal(before, change, now_ms) or _bound(before, change, now_ms)
    if why_not:
        raise ConflictError(f"what changed stays an anomaly: {why_not}")
    correction = Correction(
        id=correction_id,
        kind=CorrectionKind.LASTING,
        spans=tuple(Span(from_ms=from_ms, until_ms=until_ms) for from_ms, until_ms in change.spans[-MOST_SPANS:]),
        alert_ids=tuple(alert_ids[:MOST_SPANS]),
        by=BY,
        at_ms=now_ms,
        note=note,
    )
    return before.with_one(correction)


def refusal(before: CameraCorrections, change: LastingChange, now_ms: int) -> str:
    """Why an operator's word keeps it from being learnt by itself; empty where none does."""
    return next(_refusals(before, change, now_ms), "")


def _refusals(before: CameraCorrections, change: LastingChange, now_ms: int) -> Iterator[str]:
    if change.rejected:
        yield "an operator called it a real anomaly, or had it forgotten"
    for one in before.lasting():
        if one.undone_by not in (None, OUTDATED) and now_ms - (one.undone_at_ms or 0) < AFTER_UNDOING_MS:
            yield "an operator took a lasting change of this camera back within the last week"


def _bound(before: CameraCorrections, change: LastingChange, now_ms: int) -> str:
    if judged_ms(before) > change.since_ms:
        return "it was learnt already"
    recent = [one for one in before.lasting() if one.by == BY and now_ms - one.at_ms < DAY_MS]
    if len(recent) < MOST_A_DAY:
        return ""
    return f"{MOST_A_DAY} were learnt within a day, and that is all a camera may learn by itself"


def judged_ms(corrections: CameraCorrections) -> int:
    """Up to when the last lasting change that is in force was judged, Unix time: what was seen before is learnt."""
    return max((one.at_ms for one in corrections.lasting() if one.in_force), default=0)


def without_outdated(before: CameraCorrections, now_ms: int) -> CameraCorrections:
    """Those that are oldest, or too many, are taken back: banks go on with what they have learnt since."""
    in_force, after = [one for one in before.lasting() if one.in_force], before
    for number, one in enumerate(in_force):
        if number < len(in_force) - MOST or now_ms - one.at_ms > LASTS_MS:
            after = after.undone(one.id, OUTDATED, now_ms)
    return after
