"""What a verdict on an alert makes of the camera's corrections."""

from __future__ import annotations

import secrets

from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.alerts.verdict import Statement, Verdict
from patchwatch.messages.cameras.correction import (
    AROUND_EVENT_MS,
    CameraCorrections,
    Correction,
    CorrectionHours,
    CorrectionKind,
    Span,
)

_KINDS = {
    Verdict.NORMAL: CorrectionKind.NORMAL,
    Verdict.NORMAL_AT_THIS_TIME: CorrectionKind.NORMAL_AT_THIS_TIME,
    Verdict.ANOMALY: CorrectionKind.ANOMALY,
}
_OF_LASTING_CHANGES = {Verdict.NORMAL: CorrectionKind.LASTING, Verdict.ANOMALY: CorrectionKind.ANOMALY}


def corrected(before: CameraCorrections, alert: Alert, statement: Statement) -> CameraCorrections:
    """The corrections once the statement counts: in place of what earlier verdicts on the alert had made of them.

    An anomaly also takes back what made it normal because it recurs or lasts. Raises `ConflictError` when there are too
    many.
    """
    rejected = statement.verdict is Verdict.ANOMALY
    after = before.without_verdict(alert.id, statement.by, statement.at_ms, rejected=rejected)
    correction = correction_of(alert, statement)
    return after if correction is None else after.with_one(correction)


def correction_of(alert: Alert, statement: Statement) -> Correction | None:
    """None for words that change nothing, and for alerts about the picture as a whole. Of an alert that is still open,
    it is about what was seen of it until now. A lasting change that is normal is learnt."""
    kinds = {AlertKind.ANOMALY: _KINDS, AlertKind.LASTING_CHANGE: _OF_LASTING_CHANGES}.get(alert.kind, {})
    kind = kinds.get(statement.verdict) if statement.verdict else None
    if kind is None:
        return None
    ended_ms = alert.ended_at_ms or statement.at_ms
    timed = kind is CorrectionKind.NORMAL_AT_THIS_TIME
    hours = CorrectionHours.around(alert.started_at_ms, ended_ms, weekly=statement.weekly) if timed else None
    return Correction(
        id=secrets.token_hex(8),
        kind=kind,
        spans=(Span.around(alert.started_at_ms, ended_ms, AROUND_EVENT_MS),),
        hours=hours,
        alert_ids=(alert.id,),
        by=statement.by,
        at_ms=statement.at_ms,
        note=statement.note,
    )
