"""A lasting change is admitted within bounds, and never against an operator's word."""

from __future__ import annotations

from itertools import count

import pytest

from models.memory.lasting_change import LastingChange
from patchwatch.contract.errors import ConflictError
from patchwatch.messages.cameras.correction import OUTDATED, CameraCorrections, CorrectionKind
from workers.enrolment.lasting.admission import (
    AFTER_UNDOING_MS,
    BY,
    DAY_MS,
    LASTS_MS,
    MOST,
    MOST_A_DAY,
    admitted,
    judged_ms,
    refusal,
    without_outdated,
)

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
SHELF = LastingChange(((NOW_MS - HOUR_MS, NOW_MS - 1000),), 60.0, (0.5, 0.5, 0.7, 0.7))
_NUMBERS = count(1)


def admit(before: CameraCorrections, now_ms: int = NOW_MS, change: LastingChange = SHELF) -> CameraCorrections:
    return admitted(before, change, "a shelf", ["gate-1"], f"{next(_NUMBERS):016x}", now_ms)


def _at(now_ms: int) -> LastingChange:
    return LastingChange(((now_ms - 1, now_ms),), 60.0, SHELF.box)


NOBODY = CameraCorrections(camera_id="gate")


def test_it_becomes_a_correction_whose_time_banks_learn() -> None:
    after = admit(NOBODY)
    [one] = after.corrections
    assert (one.kind, one.by, one.note, one.alert_ids) == (CorrectionKind.LASTING, BY, "a shelf", ("gate-1",))
    assert [(span.from_ms, span.until_ms) for span in after.learnt_spans()] == list(SHELF.spans)
    assert after.adding() == after.rejecting() == ()
    assert judged_ms(after) == NOW_MS


def test_an_operator_s_word_keeps_it_an_anomaly() -> None:
    rejected = LastingChange(SHELF.spans, 60.0, SHELF.box, rejected=True)
    with pytest.raises(ConflictError, match="real anomaly"):
        admit(NOBODY, change=rejected)
    before = admit(NOBODY)
    undone = before.undone(before.corrections[0].id, "operator", NOW_MS)
    assert refusal(undone, SHELF, NOW_MS + AFTER_UNDOING_MS - 1)
    assert not refusal(undone, SHELF, NOW_MS + AFTER_UNDOING_MS + 1)
    outdated = before.undone(before.corrections[0].id, OUTDATED, NOW_MS)
    assert not refusal(outdated, SHELF, NOW_MS)


def test_the_same_change_is_admitted_once_whoever_finds_it() -> None:
    with pytest.raises(ConflictError, match="learnt already"):
        admit(admit(NOBODY))


def test_so_many_a_day_and_no_more() -> None:
    record = NOBODY
    for n in range(MOST_A_DAY):
        record = admit(record, NOW_MS + n, _at(NOW_MS + n))
    with pytest.raises(ConflictError, match=f"{MOST_A_DAY} were learnt within a day"):
        admit(record, NOW_MS + HOUR_MS, _at(NOW_MS + HOUR_MS))
    later_ms = NOW_MS + DAY_MS + HOUR_MS
    assert len(admit(record, later_ms, _at(later_ms)).corrections) == MOST_A_DAY + 1


def test_those_that_are_part_of_normal_anyway_are_taken_back_without_being_unlearnt() -> None:
    record = NOBODY
    for day in range(MOST + 2):
        record = admit(record, NOW_MS + day * DAY_MS, _at(NOW_MS + day * DAY_MS))
    later = without_outdated(record, NOW_MS + MOST * DAY_MS)
    assert [one.in_force for one in later.corrections] == [False] * 2 + [True] * MOST
    assert later.rejected_spans() == ()
    assert without_outdated(admit(NOBODY), NOW_MS + LASTS_MS + 1).learnt_spans() == ()


def test_once_taken_back_what_was_seen_since_it_began_is_learnt_no_more() -> None:
    before = admit(NOBODY)
    undone_ms = NOW_MS + 2 * DAY_MS
    after = before.undone(before.corrections[0].id, "operator", undone_ms)
    spans = after.rejected_spans()
    assert (spans[0].from_ms, spans[-1].until_ms) == (SHELF.since_ms, undone_ms)
    assert all(span.until_ms - span.from_ms <= DAY_MS for span in spans)
    assert after.learnt_spans() == ()
    long_after = before.undone(before.corrections[0].id, "operator", NOW_MS + 60 * DAY_MS)
    assert len(long_after.rejected_spans()) == 8, "what was learnt for months stays but for the last days"


def test_a_verdict_anomaly_on_one_of_its_alerts_takes_it_back() -> None:
    after = admit(NOBODY).without_verdict("gate-1", "operator", NOW_MS + 1, rejected=True)
    assert not after.corrections[0].in_force
    assert after.rejected_spans()
