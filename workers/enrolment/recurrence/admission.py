"""Whether what recurs is admitted to a camera's normal: never against an operator's word, and never without bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from models.banks.hours import MINUTES_A_DAY, Hours
from models.memory.event_footage import AROUND_MS
from models.memory.recurrence import OCCURRENCES, WITHIN_MS, Occurrence, Recurrence
from patchwatch.contract.errors import ConflictError
from patchwatch.messages.cameras.correction import (
    CameraCorrections,
    Correction,
    CorrectionHours,
    CorrectionKind,
    Span,
)

BY = "recurrence"  # who made these corrections
MOST = 8  # in force of one camera
EVERY_MS = 86_400_000  # at most one in so long
LASTS_MS = 90 * 86_400_000  # then it has to recur again
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def admitted(before: CameraCorrections, recurrence: Recurrence, correction_id: str, now_ms: int) -> CameraCorrections:
    """The corrections with this recurrence as a further one, or in the place of the one that it adds an occurrence to.
    Raises `ConflictError` that says why it must not be."""
    for known in _recurring(before):
        if known.in_force and set() < set(known.alert_ids) < _ids(recurrence):
            before = before.undone(known.id, BY, now_ms)
    why_not = next(_refusals(before, recurrence, now_ms), None)
    if why_not is not None:
        raise ConflictError(f"what recurs {in_words(recurrence.hours)} stays an anomaly: {why_not}")
    spans = [Span.around(one.started_ms, one.ended_ms, AROUND_MS) for one in recurrence.occurrences]
    hours = recurrence.hours
    correction = Correction(
        id=correction_id,
        kind=CorrectionKind.RECURRING,
        spans=tuple(spans),
        hours=CorrectionHours(from_minute=hours.from_minute, minutes=hours.minutes, weekday=hours.weekday),
        alert_ids=tuple(one.id for one in recurrence.occurrences),
        by=BY,
        at_ms=now_ms,
        note=note_of(recurrence),
    )
    return before.with_one(correction)


def in_force(before: CameraCorrections) -> list[Recurrence]:
    """What was admitted and counts."""
    return [
        Recurrence(
            tuple(
                Occurrence(alert_id, span.from_ms + AROUND_MS, span.until_ms - AROUND_MS)
                for alert_id, span in zip(one.alert_ids, one.spans, strict=True)
            ),
            Hours(one.hours.from_minute, one.hours.minutes, one.hours.weekday),
        )
        for one in _recurring(before)
        if one.in_force and one.hours is not None and len(one.alert_ids) == len(one.spans)
    ]


def without_outdated(before: CameraCorrections, now_ms: int) -> CameraCorrections:
    """Those that were admitted too long ago are taken back."""
    after = before
    for one in _recurring(before):
        if one.in_force and now_ms - one.at_ms > LASTS_MS:
            after = after.undone(one.id, BY, now_ms)
    return after


def waits_until_ms(before: CameraCorrections) -> int:
    """When the next recurrence may be admitted, as far as those before it are concerned; 0: at any time. One that only
    grew holds up none."""
    new = (one for one in _recurring(before) if len(one.alert_ids) <= OCCURRENCES)
    return max((one.at_ms + EVERY_MS for one in new), default=0)


def note_of(recurrence: Recurrence) -> str:
    """For people, on what was admitted."""
    days = len(recurrence.occurrences)
    more = ", on the last of them with a little more" if days > OCCURRENCES else ""
    return f"recurs on {days} days{more}: is normal {in_words(recurrence.hours)} from now on"


def in_words(hours: Hours) -> str:
    """For people: ``at 21:30-22:35``, with the day of the week where they have one."""
    begin, end = hours.from_minute, (hours.from_minute + hours.minutes) % MINUTES_A_DAY
    day = "" if hours.weekday is None else f"on {_DAY_NAMES[hours.weekday]}s "
    return f"{day}at {begin // 60:02d}:{begin % 60:02d}-{end // 60:02d}:{end % 60:02d}"


def _refusals(before: CameraCorrections, recurrence: Recurrence, now_ms: int) -> Iterator[str]:
    yield from _judged_before(before, recurrence)
    yield from _refused_hours(before, replace(recurrence.hours, weekday=None), now_ms)
    if sum(one.in_force for one in _recurring(before)) >= MOST:
        yield f"{MOST} recurrences are in force, and that is all a camera may have: undo those that are over"
    if now_ms < waits_until_ms(before):
        yield "one has been admitted within a day"


def _judged_before(before: CameraCorrections, recurrence: Recurrence) -> Iterator[str]:
    known = [one for one in before.corrections if _ids(recurrence) & set(one.alert_ids)]
    if any(one.kind is CorrectionKind.ANOMALY and one.in_force for one in known):
        yield "an operator called one of these alerts a real anomaly"
    admitted_before = (one for one in known if one.kind is CorrectionKind.RECURRING and one.undone_by != BY)
    if any(one.in_force for one in known) or any(admitted_before):
        yield "one of these alerts was judged before"


def _refused_hours(before: CameraCorrections, daily: Hours, now_ms: int) -> Iterator[str]:
    recent = (span for span in before.rejected_spans() if now_ms - span.until_ms <= WITHIN_MS)
    if any(daily.contains(span.from_ms) or daily.contains(span.until_ms) for span in recent):
        yield "an operator rejected what was seen at this hour within the last three weeks"
    if any(_overlap(one, daily) for one in _recurring(before) if not one.in_force and one.undone_by != BY):
        yield "an operator took such a correction of this hour back"


def _ids(recurrence: Recurrence) -> set[str]:
    return {one.id for one in recurrence.occurrences}


def _recurring(corrections: CameraCorrections) -> list[Correction]:
    return [one for one in corrections.corrections if one.kind is CorrectionKind.RECURRING and one.by == BY]


def _overlap(one: Correction, hours: Hours) -> bool:
    if one.hours is None:
        return True
    later = (hours.from_minute - one.hours.from_minute) % MINUTES_A_DAY
    return later < one.hours.minutes or MINUTES_A_DAY - later < hours.minutes
