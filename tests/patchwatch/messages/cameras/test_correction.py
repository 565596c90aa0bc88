"""Corrections of one camera are bounded, and none is lost without a word."""

from __future__ import annotations

from itertools import count

import pytest
from pydantic import ValidationError

from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.cameras.correction import (
    LONGEST_SPAN_MS,
    MOST_IN_FORCE,
    MOST_UNDONE,
    CameraCorrections,
    Correction,
    CorrectionHours,
    CorrectionKind,
    Span,
)

_NUMBERS = count()
_HOUR_MS = 3_600_000


def correction(kind: CorrectionKind = CorrectionKind.LEARN, *alert_ids: str) -> Correction:
    return Correction(
        id=f"{next(_NUMBERS):016x}", kind=kind, spans=(Span(from_ms=1000, until_ms=2000),), by="operator", at_ms=1,
        alert_ids=alert_ids,
    )  # fmt: skip


def full(kind: CorrectionKind) -> CameraCorrections:
    record = CameraCorrections(camera_id="gate")
    for _ in range(MOST_IN_FORCE):
        record = record.with_one(correction(kind))
    return record


@pytest.mark.parametrize("kind", [CorrectionKind.LEARN, CorrectionKind.FORGET, CorrectionKind.LASTING])
def test_what_an_operator_said_is_never_pushed_out(kind: CorrectionKind) -> None:
    record = full(kind)
    with pytest.raises(ConflictError, match="undo one"):
        record.with_one(correction(kind))
    other = CorrectionKind.NORMAL if kind is CorrectionKind.FORGET else CorrectionKind.ANOMALY
    assert len(record.with_one(correction(other)).corrections) == MOST_IN_FORCE + 1


def test_of_real_anomalies_the_oldest_make_room() -> None:
    before = full(CorrectionKind.ANOMALY)
    after = before.with_one(correction(CorrectionKind.FORGET))
    assert before.corrections[0] not in after.corrections
    assert len(after.rejecting()) == MOST_IN_FORCE
    assert len(after.rejected_spans()) == MOST_IN_FORCE


def test_the_history_of_what_was_undone_is_bounded_by_when_it_was() -> None:
    record = CameraCorrections(camera_id="gate")
    for number in range(MOST_UNDONE + 5):
        one = correction()
        record = record.with_one(one).undone(one.id, "operator", 100 + number)
    assert [one.undone_at_ms for one in record.corrections] == [105 + number for number in range(MOST_UNDONE)]
    assert CameraCorrections.decode(record.encode()) == record
    with pytest.raises(ConflictError, match="undone already"):
        record.undone(record.corrections[0].id, "operator", 1)
    with pytest.raises(NotFoundError, match="cameras corrections gate"):
        record.undone("f" * 16, "operator", 1)


def test_a_verdict_replaces_only_what_verdicts_on_this_alert_made() -> None:
    record = CameraCorrections(camera_id="gate")
    for one in (
        correction(CorrectionKind.NORMAL, "a"), correction(CorrectionKind.NORMAL, "b"), correction(),
        correction(CorrectionKind.RECURRING, "a", "b"),
    ):  # fmt: skip
        record = record.with_one(one)
    assert [one.in_force for one in record.without_verdict("a", "x", 1, rejected=False).corrections] == [
        False, True, True, True,
    ]  # fmt: skip
    assert [one.in_force for one in record.without_verdict("a", "x", 1, rejected=True).corrections] == [
        False, True, True, False,
    ]  # fmt: skip
    assert record.without_verdict("c", "x", 1, rejected=True) is record


def test_spans_are_bounded() -> None:
    assert Span.around(100_000, 110_000, 5_000) == Span(from_ms=95_000, until_ms=115_000)
    assert Span.around(1, 0, 5_000) == Span(from_ms=0, until_ms=5_001)
    assert Span.around(0, 10 * LONGEST_SPAN_MS, 5_000).until_ms == LONGEST_SPAN_MS
    for wrong in ((2, 1), (0, LONGEST_SPAN_MS + 1)):
        with pytest.raises(ValidationError):
            Span(from_ms=wrong[0], until_ms=wrong[1])


def test_hours_around_an_event_last_at_most_a_day() -> None:
    assert CorrectionHours.around(_HOUR_MS, _HOUR_MS + 90_000).minutes == 62
    assert CorrectionHours.around(_HOUR_MS, 100 * _HOUR_MS).minutes == 1440
    assert CorrectionHours.around(_HOUR_MS, _HOUR_MS, weekly=True).weekday is not None
