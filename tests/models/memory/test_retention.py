"""The memory stays within its budget, and keeps all hours of the day and all days of the week."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from stretches import info_of

from models.memory.excluded_retention import DAY_MS
from models.memory.retention import EXCLUDED_SHARE, NEWEST_MS, Slot, is_excluded, let_go, make_room
from models.memory.stretches.stretch import StretchInfo

MONDAY_MS = 1_798_416_000_000  # 2026-12-28, 00:00 UTC
HOUR_MS = 3_600_000
BUDGET = 256_000_000


def after(kept: list[StretchInfo], new: StretchInfo, budget: int = BUDGET) -> list[StretchInfo]:
    gone = {stretch.id for stretch in let_go([*kept, new], budget, new.ended_ms)}
    return [stretch for stretch in (*kept, new) if stretch.id not in gone]


def weeks(count: int, budget: int, *, seed: int = 0) -> list[StretchInfo]:
    """A stretch of about 1.2 MB every twenty minutes, some rare, some alarmed; the budget holds at all times."""
    rng = random.Random(seed)
    kept: list[StretchInfo] = []
    for n in range(count * 7 * 24 * 3):
        excluded = 1.0 if rng.random() < 0.15 else 0.0
        size = rng.randint(900_000, 1_600_000)
        kept = after(kept, info_of(n, MONDAY_MS + n * 1_200_000, rng.random() * 0.5, excluded, size), budget)
        assert sum(stretch.bytes for stretch in kept) <= budget
    return kept


def test_after_four_weeks_all_hours_and_all_days_are_there() -> None:
    kept = weeks(4, BUDGET)
    slots = {Slot.of(stretch.started_ms) for stretch in kept}
    assert {slot.hour for slot in slots} == set(range(24))
    assert {slot.day for slot in slots} == set(range(7))
    assert len(slots) >= 150  # of 168 hours of the week
    assert sum(stretch.bytes for stretch in kept) > 0.9 * BUDGET


def test_a_small_memory_still_has_all_hours_and_all_days() -> None:
    kept = weeks(4, 60_000_000)
    slots = [Slot.of(stretch.started_ms) for stretch in kept]
    assert len(kept) >= 40
    assert {slot.hour for slot in slots} == set(range(24))
    assert {slot.day for slot in slots} == set(range(7))


def test_no_day_has_much_more_than_another() -> None:
    kept = weeks(2, 30_000_000, seed=3)
    days = [Slot.of(stretch.started_ms).day for stretch in kept]
    assert all(1 <= days.count(day) <= 2 * len(kept) / 7 for day in range(7))


def test_alarmed_stretches_have_a_fifth_at_most() -> None:
    kept: list[StretchInfo] = []
    for n in range(2000):
        kept = after(kept, info_of(n, MONDAY_MS + n * HOUR_MS, 0.9, 1.0 if n % 4 else 0.0), 60_000_000)
        excluded = sum(stretch.bytes for stretch in kept if is_excluded(stretch))
        assert excluded <= 60_000_000 * EXCLUDED_SHARE


def nights(count: int, per_day: int, budget: int = BUDGET) -> list[StretchInfo]:
    """Every night at ten an event of three stretches that lie wholly in it, and others at random hours."""
    rng = random.Random(1)
    kept: list[StretchInfo] = []
    number = 0
    for night in range(count):
        hours = sorted([22.0, *(rng.uniform(0, 21) for _ in range(per_day))])
        for hour in hours:
            for part in range(3):
                number += 1
                started_ms = MONDAY_MS + int((night * 24 + hour) * HOUR_MS) + part * 30_000
                kept = after(kept, info_of(number, started_ms, 0.6, 1.0), budget)
    return kept


def at_ten(kept: list[StretchInfo]) -> dict[int, int]:
    """By night, how many stretches of its event at ten are there."""
    nights = [(one.started_ms - MONDAY_MS) // DAY_MS for one in kept if one.started_ms % DAY_MS >= 22 * HOUR_MS]
    return {night: nights.count(night) for night in nights}


def test_of_an_event_that_recurs_every_night_the_last_nights_are_whole() -> None:
    found = at_ten(nights(30, per_day=4))
    assert [found.get(night) for night in (29, 28, 27)] == [3, 3, 3]
    assert set(found.values()) == {3}, "episodes go as a whole"


def test_in_the_fullest_hour_the_commonest_goes_first_and_of_these_the_oldest() -> None:
    same_hour = [info_of(n, MONDAY_MS + n * 600_000, score) for n, score in enumerate((0.4, 0.11, 0.12, None))]
    other_hour = info_of(9, MONDAY_MS + 5 * HOUR_MS, 0.0)
    gone = let_go([*same_hour, other_hour], 2_400_000, MONDAY_MS + 40 * HOUR_MS)
    assert [stretch.id for stretch in gone] == ["000001", "000002", "000000"]


def test_the_size_of_a_stretch_does_not_make_an_hour_fuller() -> None:
    large, small = info_of(1, MONDAY_MS, 0.4, size=2_000_000), info_of(2, MONDAY_MS + 30 * HOUR_MS, 0.1, size=100_000)
    assert let_go([large, small], 2_000_000, MONDAY_MS + 60 * HOUR_MS) == [small]


def test_the_newest_five_minutes_stay_however_common() -> None:
    rare = [info_of(n, MONDAY_MS - n * 7 * 24 * HOUR_MS, 0.6) for n in range(1, 5)]
    new = [info_of(10 + n, MONDAY_MS + n * 30_000, 0.0) for n in range(10)]
    gone = let_go([*rare, *new], 10 * 1_200_000, new[-1].ended_ms)
    assert {stretch.id for stretch in gone} == {stretch.id for stretch in rare}
    assert new[-1].ended_ms - new[0].started_ms <= NEWEST_MS


def test_a_budget_too_small_for_five_minutes_is_kept_all_the_same() -> None:
    new = [info_of(n, MONDAY_MS + n * 30_000) for n in range(10)]
    left = {stretch.id for stretch in new} - {stretch.id for stretch in let_go(new, 3_000_000, new[-1].ended_ms)}
    assert left == {"000008", "000009"}


def test_what_a_wrong_clock_put_into_the_future_is_not_protected() -> None:
    future = info_of(1, MONDAY_MS + 10**11, 0.0)
    present = [info_of(2, MONDAY_MS, 0.3), info_of(3, MONDAY_MS + 30_000, 0.3)]
    assert let_go([future, *present], 2_400_000, present[-1].ended_ms) == [future]


def test_what_other_weights_made_goes_before_anything_that_fits() -> None:
    old = [replace(info_of(n, MONDAY_MS + n * HOUR_MS, 0.9), identity="f" * 16) for n in range(10)]
    ours = [info_of(20 + n, MONDAY_MS + (20 + n) * HOUR_MS, 0.1) for n in range(3)]
    new = info_of(30, MONDAY_MS + 40 * HOUR_MS)
    assert make_room([*old, *ours], new, 10 * 1_200_000) == [old[3], old[2], old[1], old[0]]
    assert set(make_room([*old, *ours], new, 4 * 1_200_000)) == set(old)
    assert make_room([*old, *ours], new, 3 * 1_200_000)[0] == ours[0]


def test_a_shrunken_budget_lets_many_go_at_once() -> None:
    kept = [info_of(n, MONDAY_MS + n * 600_000, (n % 7) / 10) for n in range(3000)]
    gone = let_go(kept, 120_000_000, kept[-1].ended_ms)
    assert len(kept) - len(gone) == 100


@pytest.mark.parametrize(("at_ms", "slot"), [(0, Slot(3, 0)), (MONDAY_MS, Slot(0, 0)), (MONDAY_MS - 1, Slot(6, 23))])
def test_a_slot_is_an_hour_of_the_week_in_utc(at_ms: int, slot: Slot) -> None:
    assert Slot.of(at_ms) == slot
