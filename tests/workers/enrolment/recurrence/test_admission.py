"""What bounds the corrections that a camera makes by itself."""

from __future__ import annotations

import pytest
from events import DAY_MS, at, occurrence

from models.banks.hours import Hours
from models.memory.recurrence import MOST_OCCURRENCES, Recurrence
from patchwatch.contract.errors import ConflictError
from patchwatch.messages.cameras.correction import MOST_SPANS, CameraCorrections
from workers.enrolment.recurrence.admission import (
    EVERY_MS,
    LASTS_MS,
    MOST,
    admitted,
    in_force,
    in_words,
    waits_until_ms,
    without_outdated,
)

NONE = CameraCorrections(camera_id="cam")


def recurrence(day: int, hour: int = 22) -> Recurrence:
    occurrences = tuple(occurrence(day + n, hour) for n in range(3))
    return Recurrence(occurrences, Hours((hour * 60 - 30) % 1440, 61))


def after(count: int) -> CameraCorrections:
    """So many, at other hours, one each day."""
    corrections = NONE
    for n in range(count):
        corrections = admitted(corrections, recurrence(4 * n, 2 * n), f"{n:016x}", at(4 * n + 3, 0))
    return corrections


def test_at_most_eight_are_in_force() -> None:
    full = after(MOST)
    assert len(full.corrections) == MOST
    with pytest.raises(ConflictError, match="8 recurrences are in force"):
        admitted(full, recurrence(60, 20), "f" * 16, at(63, 0))


def test_at_most_one_a_day() -> None:
    once = after(1)
    with pytest.raises(ConflictError, match="within a day"):
        admitted(once, recurrence(1, 5), "f" * 16, at(3, 0) + EVERY_MS - 1)
    assert len(admitted(once, recurrence(1, 5), "f" * 16, at(3, 0) + EVERY_MS).corrections) == 2


def test_the_same_alert_is_admitted_once_even_after_it_was_taken_back() -> None:
    for taken_back in (False, True):
        before = after(1).undone("0" * 16, "operator", at(3, 1)) if taken_back else after(1)
        with pytest.raises(ConflictError, match="judged before"):
            admitted(before, recurrence(0, 0), "f" * 16, at(5, 0))


def test_what_recurs_with_a_little_more_takes_the_place_of_what_it_grew_from() -> None:
    grown, corrections = recurrence(0), admitted(NONE, recurrence(0), "0" * 16, at(3, 0))
    for n in range(3, MOST_OCCURRENCES):
        grown = Recurrence((*grown.occurrences, occurrence(n, 22)), grown.hours)
        corrections = admitted(corrections, grown, f"{n:016x}", at(n + 1, 0))
        assert in_force(corrections) == [grown]
    undone = corrections.undone(f"{MOST_OCCURRENCES - 1:016x}", "operator", at(9, 1))
    assert in_force(undone) == []
    with pytest.raises(ConflictError, match="judged before"):
        admitted(undone, recurrence(0), "f" * 16, at(10, 0))
    with pytest.raises(ConflictError, match="took such a correction of this hour back"):
        admitted(undone, recurrence(20), "f" * 16, at(23, 0))


def test_what_only_grows_holds_up_nothing_else() -> None:
    corrections = admitted(NONE, recurrence(0), "0" * 16, at(3, 0))
    grown = Recurrence((*recurrence(0).occurrences, occurrence(3, 22)), recurrence(0).hours)
    corrections = admitted(corrections, grown, "1" * 16, at(4, 1))
    assert waits_until_ms(corrections) == at(3, 0) + EVERY_MS
    assert len(in_force(admitted(corrections, recurrence(1, 5), "2" * 16, at(4, 2)))) == 2


def test_a_correction_holds_as_many_spans_as_a_recurrence_has_occurrences() -> None:
    assert MOST_OCCURRENCES <= MOST_SPANS


@pytest.mark.parametrize(("hour", "blocked"), [(20, False), (21, True), (22, True), (23, True), (0, False)])
def test_the_hours_that_an_operator_took_back_stay_blocked(hour: int, blocked: bool) -> None:
    first = admitted(NONE, recurrence(0), "0" * 16, at(3, 0)).undone("0" * 16, "operator", at(3, 1))
    if blocked:
        with pytest.raises(ConflictError, match="took such a correction of this hour back"):
            admitted(first, recurrence(30, hour), "f" * 16, at(33, 0))
    else:
        assert admitted(first, recurrence(30, hour), "f" * 16, at(33, 0)).corrections[-1].in_force


def test_after_three_months_it_has_to_recur_again() -> None:
    one = after(1)
    assert without_outdated(one, at(3, 0) + LASTS_MS) == one
    over = without_outdated(one, at(3, 0) + LASTS_MS + 1)
    assert not over.corrections[0].in_force
    again = recurrence(3 + LASTS_MS // DAY_MS, 0)
    assert len(admitted(over, again, "f" * 16, at(7, 0) + LASTS_MS).corrections) == 2


@pytest.mark.parametrize(
    ("hours", "words"),
    [(Hours(1290, 65), "at 21:30-22:35"), (Hours(1410, 61, 4), "on Fridays at 23:30-00:31")],
)
def test_hours_in_words(hours: Hours, words: str) -> None:
    assert in_words(hours) == words
