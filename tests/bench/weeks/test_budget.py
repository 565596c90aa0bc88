"""A camera's false alarms against those that it stated."""

from __future__ import annotations

import pytest

from bench.weeks.impression import Impression
from bench.weeks.judgement import Raised, held_against_budget
from bench.weeks.life import DAY_S, HOUR_S, Happening, Kind, Visit
from patchwatch.messages.frames.score import Score, ScoreGate

CLEANER = Happening(Kind.CLEANER, 3 * DAY_S, 3 * DAY_S + 14)
VISITS = [
    Visit(0.0, 200.0),
    Visit(DAY_S, DAY_S + 30),
    *[Visit(2 * DAY_S + n * HOUR_S, 2 * DAY_S + n * HOUR_S + 36) for n in range(20)],
    Visit(CLEANER.from_s, CLEANER.until_s, CLEANER),
]


def seen(*stated: float) -> list[Impression]:
    low, expected, high = stated
    return [Impression(stated=(low, expected, high)) for _ in VISITS]


def alerts(count: int) -> list[Raised]:
    moments = [one.from_s + 5 for one in VISITS[2 : 2 + count]]
    return [Raised(at_s, at_s + 0.4, at_s + 2) for at_s in (100.0, DAY_S + 2, *moments, CLEANER.from_s + 1)]


def test_ordinary_looks_from_the_third_day_on_are_counted() -> None:
    kept = held_against_budget(VISITS, seen(12.0, 120.0, 600.0), alerts(1))
    assert (kept["seen_h"], kept["false_alarms"], kept["within"]) == (0.2, 1, True)
    assert kept["stated"] == [pytest.approx(0.1), pytest.approx(1.0), pytest.approx(5.0)]


@pytest.mark.parametrize(("count", "within"), [(0, True), (2, True), (3, False), (12, False)])
def test_more_than_chance_would_have_it_is_not_within(count: int, within: bool) -> None:
    """0.8 are stated at most: two or more come of that in one case of five, three in one of twenty."""
    assert held_against_budget(VISITS, seen(1.0, 12.0, 97.0), alerts(count))["within"] is within


def test_a_camera_that_states_far_more_than_comes_is_not_within_either() -> None:
    assert not held_against_budget(VISITS, seen(600.0, 1200.0, 2400.0), alerts(0))["within"]


def test_what_was_not_scored_is_not_counted() -> None:
    assert held_against_budget(VISITS, [Impression() for _ in VISITS], alerts(3))["seen_h"] == 0.0


def test_an_impression_holds_the_frame_that_came_nearest_to_an_event() -> None:
    made = Impression()
    for value, level, gate in (
        (0.9, 0.8, ScoreGate.SUPPRESS), (0.5, 0.4, ScoreGate.OPEN), (0.6, 0.7, ScoreGate.OPEN)
    ):  # fmt: skip
        made.take(
            Score(1, 0, 0, value, value, (), "place", None, random_weights=False, gate=gate), level,
        )  # fmt: skip
    facts = made.facts()
    assert (facts["peak"], facts["level"], facts["stream"], facts["over"]) == (0.5, 0.4, "place", {"place": 1})
    assert facts["shut"] == pytest.approx(1 / 3, abs=0.01)
