"""Weeks of drawn cameras: what was always there and is missing is found, and what nobody saw is not."""

from __future__ import annotations

import numpy as np
import pytest

from models.alarms.absence import A_DAY, A_HOUR, LEAST_WEEKS, NOTHING, QUARTERS, UNKNOWN, silence_until

SOMETHING = 5
Week = list[int]


def quarter(day: int, hour: float) -> int:
    return day * A_DAY + round(hour * A_HOUR)


def office(generator: np.random.Generator, busy: float = 0.9) -> Week:
    """Somebody moves in most quarters of a working day, and never else."""
    week = [NOTHING] * QUARTERS
    for day in range(5):
        for one in range(quarter(day, 8), quarter(day, 18)):
            if generator.random() < busy:
                week[one] = SOMETHING
    return week


def put(week: Week, value: int, day: int = 0, from_hour: float = 0, to_hour: float = 24) -> None:
    for one in range(quarter(day, from_hour), quarter(day, to_hour)):
        week[one] = value


def lived(count: int, seed: int = 1, busy: float = 0.9) -> dict[int, Week]:
    generator = np.random.default_rng(seed)
    return {week: office(generator, busy) for week in range(count)}


def lowest(weeks: dict[int, Week], week: int, days: int = 5) -> float:
    """The least chance at any full hour of the first days of a week."""
    return min(silence_until(weeks, week, one).chance for one in range(A_HOUR - 1, days * A_DAY, A_HOUR))


def test_a_monday_on_which_nobody_comes_is_found_within_hours() -> None:
    weeks = lived(6, busy=1.0)
    put(weeks[5], NOTHING, 0, 8, 18)
    chances = [silence_until(weeks, 5, quarter(0, hour)).chance for hour in (7.75, 8.75, 9.75, 11.75)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == 1.0, "nothing is missing at night"
    assert chances[2] < 0.05
    assert chances[3] < 0.01


@pytest.mark.parametrize("known", range(LEAST_WEEKS + 1))
def test_nothing_is_said_before_three_weeks_are_known(known: int) -> None:
    weeks = lived(known + 1)
    weeks[known] = [NOTHING] * QUARTERS
    assert (lowest(weeks, known) < 1.0) == (known >= LEAST_WEEKS)


def test_false_alarms_of_usual_weeks_are_rare() -> None:
    """Each week is judged by the twelve before it."""
    weeks = lived(28, busy=0.5)
    alarms = [lowest({n: weeks[n] for n in range(max(0, week - 12), week + 1)}, week) < 0.01 for week in range(3, 28)]
    assert sum(alarms) <= 2


def test_what_nobody_saw_is_never_absent() -> None:
    weeks = lived(6, busy=1.0)
    put(weeks[5], UNKNOWN, 0, 7, 18)
    assert lowest(weeks, 5, days=1) == 1.0
    assert silence_until(weeks, 5, quarter(0, 12)).quarters == 0


def test_a_silence_begins_anew_after_time_that_nobody_saw() -> None:
    """What was waited for may have come just then."""
    weeks = lived(6)
    put(weeks[5], NOTHING, 0, 8, 18)
    weeks[5][quarter(0, 10)] = UNKNOWN
    assert silence_until(weeks, 5, quarter(0, 10) + 2).quarters == 2


def test_weeks_of_which_an_hour_is_not_known_do_not_count_for_it() -> None:
    weeks = lived(5)
    for week in range(2):
        weeks[week][quarter(0, 9)] = UNKNOWN
    put(weeks[4], NOTHING, 0, 8, 18)
    night, *_, eight, nine = silence_until(weeks, 4, quarter(0, 9) + 3).hours
    assert (night.silent, night.chance) == (night.weeks, 1.0)
    assert (eight.weeks, nine.weeks) == (4, 2)
    assert nine.chance == 1.0


def test_an_hour_that_was_silent_before_says_less() -> None:
    weeks = lived(7, busy=1.0)
    put(weeks[2], NOTHING, 0, 8, 18)  # a holiday
    put(weeks[6], NOTHING, 0, 8, 18)
    hour = silence_until(weeks, 6, quarter(0, 9) - 1).hours[-1]
    assert (hour.weeks, hour.silent) == (6, 1)
    assert hour.chance == pytest.approx(2 / 7)


def test_a_silence_goes_on_over_the_turn_of_the_week() -> None:
    weeks = lived(6)
    put(weeks[5], NOTHING, 0, 0, 18)
    silence = silence_until(weeks, 5, quarter(0, 9))
    assert silence.quarters > quarter(2, 0), "since Friday evening"
    assert silence.hours[0].weeks == 4, "of the week before only what lies before it"


def test_without_anything_known_there_is_no_silence() -> None:
    assert silence_until({}, 3, 5).quarters == 0
    assert silence_until({}, 3, 5).chance == 1.0
