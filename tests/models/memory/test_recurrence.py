"""What comes three nights at ten is normal at ten. What an attacker gains by coming every night is tested too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from events import at, footage, occurrence, seen
from plain_stream import features_at

from models.banks.additions import Addition, Additions
from models.banks.bank import Bank, StreamBank
from models.banks.hours import Hours
from models.banks.rare_vectors import rare_vectors
from models.engine.frame_scorer import FrameScorer
from models.memory.event_footage import EventFootage, EventFrame
from models.memory.recurrence import (
    LONGEST_MS,
    MOST_COMPARED,
    MOST_OCCURRENCES,
    WITHIN_MS,
    Likeness,
    Occurrence,
    Recurrence,
    earlier_at_the_same_hour,
    further_of,
    recurrence_of,
)

CLEANER, STRANGER = (9.0,), (-7.0,)
Looks = Mapping[Occurrence, Sequence[float]]


def always(_: Occurrence, __: Sequence[Occurrence]) -> bool:
    return True


def found(bank: Bank, looks: Looks) -> Recurrence | None:
    """Of the newest of these events, each of which looked like that."""
    *earlier, newest = sorted(looks, key=lambda one: one.started_ms)
    seeds = {one: n for n, one in enumerate(looks)}
    likeness = Likeness(bank, bank.rule, lambda one: footage(one, looks[one], seeds[one]))
    return recurrence_of(newest, earlier_at_the_same_hour(newest, earlier), likeness.explained)


def alerts(bank: Bank, recurrence: Recurrence, looks: Looks, strange: Sequence[float], wall_ms: int) -> bool:
    """Whether this look alerts at that time, once the recurrence was admitted."""
    frames = [pair for one in recurrence.occurrences for pair in footage(one, looks[one]).features]
    scorer = FrameScorer(bank)
    scorer.use_additions(Additions(bank, [Addition(rare_vectors(bank, frames), recurrence.hours)]))
    scores = [scorer.score(pair, n / 5, wall_ms=wall_ms) for n, pair in enumerate(seen(strange, seed=77))]
    return any(score.event_open for score in scores)


def test_the_cleaner_alerts_three_times_and_is_silent_at_ten_from_then_on_but_not_at_three(bank: Bank) -> None:
    nights = {occurrence(day, 22.0 + 0.1 * day): CLEANER for day in range(3)}
    two = dict(list(nights.items())[:2])
    assert found(bank, two) is None
    recurrence = found(bank, nights)
    assert recurrence is not None
    assert recurrence.occurrences == tuple(nights)
    assert not alerts(bank, recurrence, nights, CLEANER, at(3, 22.0))
    assert alerts(bank, recurrence, nights, CLEANER, at(3, 3.0))
    assert alerts(bank, recurrence, nights, STRANGER, at(3, 22.0))


def test_the_hours_reach_half_an_hour_beyond_the_events(bank: Bank) -> None:
    events = [occurrence(day, hour) for day, hour in enumerate((22.0, 21.5, 22.25))]
    recurrence = recurrence_of(events[-1], events[1::-1], always)
    assert recurrence is not None
    hours = recurrence.hours
    assert (hours.from_minute, hours.minutes, hours.weekday) == (21 * 60, 45 + 1 + 60, None)


def test_hours_past_midnight_are_of_one_night() -> None:
    events = [occurrence(0, 23.9), occurrence(2, 0.1), occurrence(3, 0.2)]
    recurrence = recurrence_of(events[-1], events[1::-1], always)
    assert recurrence is not None
    assert [recurrence.hours.contains(at(8, hour)) for hour in (23.3, 23.5, 24.0, 24.6, 24.8)] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_what_comes_every_week_is_normal_on_that_day_of_the_week() -> None:
    events = [occurrence(7 * week + 2, 9.0) for week in range(3)]
    recurrence = recurrence_of(events[-1], earlier_at_the_same_hour(events[-1], events[:-1]), always)
    assert recurrence is not None
    assert recurrence.hours.weekday == 2  # Wednesday
    assert [recurrence.hours.contains(at(day, 9.0)) for day in (23, 24)] == [True, False]


@pytest.mark.parametrize(
    "events",
    [
        [occurrence(0, hour) for hour in (21.5, 22.0, 22.4)],
        [occurrence(0, 21.5), occurrence(0, 22.0), occurrence(1, 22.4)],
        [occurrence(0, 22.0), occurrence(1, 20.5), occurrence(2, 22.0)],
        [occurrence(0, 21.0), occurrence(1, 21.9), occurrence(2, 22.8)],
        [occurrence(0, 22.0), occurrence(1, 22.0), occurrence(1 + WITHIN_MS // 86_400_000, 22.1)],
        [occurrence(0, 22.0), occurrence(1, 22.0), occurrence(2, 22.0, LONGEST_MS / 1000 + 1)],
        [occurrence(0, 22.0), occurrence(1, 22.0, LONGEST_MS / 1000 + 1), occurrence(2, 22.0)],
    ],
    ids=["one night", "two nights", "another hour", "hours that wander", "too long ago", "long last", "long before"],
)
def test_everything_less_is_nothing(events: list[Occurrence]) -> None:
    *earlier, newest = events
    assert recurrence_of(newest, earlier_at_the_same_hour(newest, earlier), always) is None


def test_looks_that_differ_are_not_alike(bank: Bank) -> None:
    assert found(bank, {occurrence(0, 22): CLEANER, occurrence(1, 22): STRANGER, occurrence(2, 22): CLEANER}) is None


def test_whoever_comes_beside_the_cleaner_is_not_admitted_with_her(bank: Bank) -> None:
    """On one of three nights somebody was with her: that night shows what no other shows."""
    both = (*CLEANER, *STRANGER)
    for nights in ((both, CLEANER, CLEANER), (CLEANER, both, CLEANER), (CLEANER, CLEANER, both)):
        assert found(bank, {occurrence(day, 22): look for day, look in enumerate(nights)}) is None


def test_what_is_admitted_was_there_on_two_of_the_three_nights(bank: Bank) -> None:
    both = (*CLEANER, *STRANGER)
    assert found(bank, {occurrence(day, 22): look for day, look in enumerate((both, CLEANER, both))}) is not None


def test_drifting_night_by_night_an_attacker_gets_one_step_farther_than_his_first_three_nights(bank: Bank) -> None:
    """He changes as little as still counts as alike, and what was admitted makes nothing new alike."""

    def drift(step: float) -> Looks:
        return {occurrence(day, 22.0): (9.0 + day * step,) for day in range(3)}

    step = next(step for step in np.arange(4.0, 0.0, -0.1) if found(bank, drift(step)))
    first = found(bank, drift(step))
    assert first is not None
    silent = [day for day in range(3, 9) if not alerts(bank, first, drift(step), (9.0 + day * step,), at(day, 22))]
    assert silent in ([], [3])
    later = {occurrence(2, 22): (9.0 + 2 * step,)} | {occurrence(day, 22): (9.0 + day * step,) for day in (4, 5)}
    assert found(bank, later) is None, "the nights that were silent do not link those before and after"


def test_what_the_bank_knows_by_now_is_no_event_any_more(bank: Bank) -> None:
    assert found(bank, {occurrence(day, 22): (1.0,) for day in range(3)}) is None


def test_what_is_not_remembered_whole_never_recurs(bank: Bank) -> None:
    events = [occurrence(day, 22) for day in range(3)]
    likeness = Likeness(bank, bank.rule, lambda one: None if one is events[1] else footage(one, CLEANER))
    assert [likeness.may_recur(one) for one in events] == [True, False, True]
    assert recurrence_of(events[2], events[1::-1], likeness.explained) is None


def test_each_event_is_read_once_and_few_are_compared(bank: Bank) -> None:
    events = [occurrence(day, 22) for day in range(20)]
    read: list[Occurrence] = []

    def remembered(one: Occurrence) -> EventFootage:
        read.append(one)
        return footage(one, (9.0 + 4 * events.index(one),))

    likeness = Likeness(bank, bank.rule, remembered)
    earlier = earlier_at_the_same_hour(events[-1], events[:-1])
    assert recurrence_of(events[-1], earlier, likeness.explained) is None
    assert read == [events[-1], *events[-2 : -2 - MOST_COMPARED : -1]]


def test_smoothing_begins_again_where_a_run_begins(bank: Bank) -> None:
    """A frame after a gap is not explained away by those before it."""
    event = occurrence(0, 22)
    frames = footage(event, CLEANER).frames
    noise = np.random.default_rng(3)
    quiet = [EventFrame(f.at_ms, (features_at(1.0, noise=noise), f.features[1]), f.starts_run) for f in frames]
    likeness = Likeness(bank, bank.rule, lambda _: EventFootage(tuple(quiet)))
    assert not likeness.may_recur(event)


PLACES = 24


def with_places(bank: Bank) -> Bank:
    """Its first stream has places, each of which knows what the whole bank knew."""
    first = bank.streams[0]
    assert first.origins is not None
    origins = replace(
        first.origins,
        moments=np.repeat(first.origins.moments, PLACES, axis=1),
        regions=np.repeat(first.origins.regions, PLACES, axis=1),
    )
    return replace(bank, streams=(StreamBank(np.repeat(first.vectors, PLACES, axis=1), origins), *bank.streams[1:]))


def in_places(event: Occurrence, before: int, during: int) -> EventFootage:
    """So many of the places are strange before it, and while it lasts."""
    noise, frames = np.random.default_rng(4), []
    for n, frame in enumerate(footage(event, CLEANER).frames):
        strange = during if 25 <= n < 45 else before
        places = features_at(*[9.0] * strange, *[1.0] * (PLACES - strange), noise=noise)
        places = replace(places, groups=np.arange(PLACES, dtype=np.int32))
        frames.append(EventFrame(frame.at_ms, (places, frame.features[1]), frame.starts_run))
    return EventFootage(tuple(frames))


@pytest.mark.parametrize(("before", "during", "may"), [(0, 4, True), (0, 12, False), (0, 24, False), (12, 16, True)])
def test_what_fills_the_picture_never_recurs(bank: Bank, before: int, during: int, may: bool) -> None:
    """A bank of little footage finds much rare in any picture: what counts is what the event adds."""
    event = occurrence(0, 22)
    likeness = Likeness(with_places(bank), bank.rule, lambda one: in_places(one, before, during))
    assert likeness.may_recur(event) is may


def further(bank: Bank, first: Looks, newest: Occurrence, look: Sequence[float]) -> Recurrence | None:
    """What the newest adds to the recurrence of the three first."""
    recurrence = found(bank, first)
    assert recurrence is not None
    looks = dict(first) | {newest: look}
    seeds = {one: n for n, one in enumerate(looks)}
    likeness = Likeness(bank, bank.rule, lambda one: footage(one, looks[one], seeds[one]))
    return further_of(newest, [recurrence], likeness.mostly_explained)


THREE_NIGHTS = {occurrence(day, 22.0 + 0.1 * day): CLEANER for day in range(3)}
A_LITTLE_MORE, MUCH_MORE = (9.0, 2.0), (9.0, -4.0)  # with a person who is nearly usual, and with one who is not


def test_what_recurs_may_come_with_a_little_more_after_one_night(bank: Bank) -> None:
    newest = occurrence(3, 22.2)
    grown = further(bank, THREE_NIGHTS, newest, A_LITTLE_MORE)
    assert grown is not None
    assert grown.occurrences == (*THREE_NIGHTS, newest)
    looks = THREE_NIGHTS | {newest: A_LITTLE_MORE}
    before = Recurrence(grown.occurrences[:3], grown.hours)
    assert alerts(bank, before, THREE_NIGHTS, A_LITTLE_MORE, at(4, 22.0))
    assert not alerts(bank, grown, looks, A_LITTLE_MORE, at(4, 22.0))
    assert not alerts(bank, grown, looks, CLEANER, at(4, 22.0))
    assert alerts(bank, grown, looks, A_LITTLE_MORE, at(4, 3.0))
    assert alerts(bank, grown, looks, STRANGER, at(4, 22.0))


@pytest.mark.parametrize("look", [MUCH_MORE, STRANGER, (*CLEANER, *STRANGER)])
def test_who_comes_along_with_her_needs_three_nights_of_his_own(bank: Bank, look: Sequence[float]) -> None:
    assert further(bank, THREE_NIGHTS, occurrence(3, 22.2), look) is None


def test_a_little_more_counts_at_her_hour_only(bank: Bank) -> None:
    assert further(bank, THREE_NIGHTS, occurrence(3, 3.0), A_LITTLE_MORE) is None


def test_a_little_more_is_held_against_the_first_three_and_may_come_five_times() -> None:
    """Or step by step it would become anything."""
    asked: list[Sequence[Occurrence]] = []

    def mostly(_: Occurrence, by: Sequence[Occurrence]) -> bool:
        asked.append(by)
        return True

    known = Recurrence(tuple(THREE_NIGHTS), Hours(21 * 60, 120))
    for day in range(3, 8):
        grown = further_of(occurrence(day, 22.0), [known], mostly)
        assert grown is not None
        known = grown
    assert asked == [tuple(THREE_NIGHTS)] * 5
    assert further_of(occurrence(8, 22.0), [known], mostly) is None
    assert len(known.occurrences) == MOST_OCCURRENCES


def test_only_another_day_adds_a_little_more() -> None:
    known = Recurrence(tuple(THREE_NIGHTS), Hours(21 * 60, 120))
    assert further_of(occurrence(2, 22.5), [known], always) is None


def test_an_event_of_minutes_is_no_little_more() -> None:
    known = Recurrence(tuple(THREE_NIGHTS), Hours(21 * 60, 120))
    assert further_of(occurrence(3, 22.0, seconds=LONGEST_MS / 1000 + 1), [known], always) is None
