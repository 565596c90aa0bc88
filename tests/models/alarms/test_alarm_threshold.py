"""The alert threshold is the level that normal scores sustain as seldom as asked for, and says how sure it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_scores import TAILS, simulated_run

from models.alarms.alarm_threshold import (
    _HALVINGS,
    _HIGHEST,
    LEAST_ON,
    MAX_CAUTION,
    MAX_EXTRAPOLATION,
    PROVISIONAL,
    ThresholdModel,
)
from models.alarms.calibration import NEUTRAL_RARITY, score_of
from models.alarms.event_counts import EventCounts
from models.alarms.event_detector import EventDetector, EventRule

HOUR_S = 3600.0
FRESH_DAYS = 2

budgets = st.floats(0.01, 1000)


@cache
def learnt(tail: str, hours: float, seed: int) -> ThresholdModel:
    return ThresholdModel.fit([simulated_run(tail, hours * HOUR_S, seed)])


Fresh = Callable[[str], EventCounts]


@pytest.fixture(scope="module")
def fresh_days() -> Fresh:
    """Days that nothing was learnt from, by their tail."""
    rule, seconds = EventRule(on=1.0, off=0.75), 24 * HOUR_S * FRESH_DAYS
    return cache(lambda tail: EventCounts.from_runs([simulated_run(tail, seconds, 999)], rule))


def opened_on(fresh: EventCounts, model: ThresholdModel, per_day: float) -> float:
    return fresh.count(model.at(per_day).on) / FRESH_DAYS


@pytest.mark.parametrize("tail", TAILS)
def test_the_rate_on_fresh_days_lies_in_the_stated_interval(tail: str, fresh_days: Fresh) -> None:
    """Of 20 simulated cameras, learnt from half an hour each, nine in ten would be 18."""
    fresh = fresh_days(tail)
    within = []
    for seed in range(20):
        model = learnt(tail, 0.5, seed)
        result = model.at(24.0)
        within.append(result.expected_low <= fresh.count(result.on) / FRESH_DAYS <= result.expected_high)
    assert sum(within) >= 15


def test_the_rate_is_the_one_asked_for_where_footage_shows_it(fresh_days: Fresh) -> None:
    """96 events a day, four hours of footage: sixteen were seen."""
    fresh = fresh_days("exponential")
    rates = [opened_on(fresh, learnt("exponential", 4.0, seed), 96.0) for seed in range(3)]
    assert 70 < float(np.mean(rates)) < 130


@settings(deadline=None, max_examples=40)
@given(first=budgets, second=budgets, seed=st.integers(0, 5), hours=st.sampled_from([0.02, 0.1, 1.0]))
def test_a_smaller_budget_never_gives_a_lower_threshold(first: float, second: float, seed: int, hours: float) -> None:
    model = learnt("exponential", hours, seed)
    many, few = model.at(max(first, second)), model.at(min(first, second))
    assert few.on >= many.on
    assert few.off >= many.off
    assert few.expected <= many.expected * (1 + 1e-6)


@settings(deadline=None, max_examples=40)
@given(per_day=budgets, seed=st.integers(0, 5), tail=st.sampled_from(sorted(TAILS)))
def test_what_is_stated_is_in_order(per_day: float, seed: int, tail: str) -> None:
    result = learnt(tail, 0.1, seed).at(per_day)
    assert LEAST_ON <= result.on < 1
    assert result.off == pytest.approx(0.75 * result.on)
    assert 0 <= result.expected_low <= result.expected <= result.expected_high
    assert result.on_low <= result.on_high


def test_more_footage_of_the_same_kind_narrows_the_interval() -> None:
    def width(hours: float) -> float:
        result = [learnt("heavy", hours, seed).at(24.0) for seed in range(9)]
        return float(np.median([one.expected_high / one.expected for one in result]))

    assert width(0.1) > width(0.4) > width(1.6) > 1


def test_a_budget_beyond_what_the_footage_supports_says_so_and_has_a_cautious_level() -> None:
    model = learnt("exponential", 0.1, 3)
    a_day = 86_400.0 / model.footage_s  # one event in the whole footage
    supported = model.at(a_day / MAX_EXTRAPOLATION * 1.001)
    asked, cautious = model.at(0.1), model.at(a_day / MAX_CAUTION * 1.001)
    assert (asked.supported, cautious.supported, supported.supported) == (False, False, True)
    assert asked.on == pytest.approx(cautious.on, abs=1e-3)
    assert asked.on > supported.on
    assert asked.expected == pytest.approx(a_day / MAX_CAUTION, rel=0.01)
    assert asked.needed_hours == pytest.approx(240.0 / MAX_EXTRAPOLATION)
    assert asked.warning is not None
    assert "6 min of normal footage" in asked.warning
    assert "at least 8.0 h" in asked.warning
    assert supported.warning is None
    assert "what happens only once a day" in (learnt("exponential", 0.1, 3).at(1.0).warning or "")


def test_a_budget_that_footage_exceeds_may_lie_below_its_highest_score() -> None:
    times, scores = simulated_run("exponential", 5 * HOUR_S, 4)
    assert ThresholdModel.fit([(times, scores)]).at(48.0).on < scores.max()


def test_the_facts_make_the_same_model_again() -> None:
    model = learnt("heavy", 0.2, 1)
    again = ThresholdModel(model.levels, **json.loads(json.dumps(model.facts())))
    assert again.at(4.0) == model.at(4.0)


def test_an_event_closes_again_where_normal_footage_never_varied() -> None:
    """A still picture: its usual score is that of the median."""
    times, calm = np.arange(0.0, 30.0, 0.2), score_of(NEUTRAL_RARITY)
    detector = EventDetector(ThresholdModel.fit([(times, np.full(len(times), calm))]).rule(4.0))
    scores = [calm] * 10 + [0.9] * 10 + [calm] * 30
    changes = [event for n, score in enumerate(scores) for event in detector.update(n * 0.2, score, None, None)]
    assert [event.ended_s is not None for event in changes] == [False, True]


@pytest.mark.parametrize("per_day", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_is_a_positive_number(per_day: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        learnt("heavy", 0.02, 1).at(per_day)


def test_levels_that_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="falling"):
        ThresholdModel(np.array([0.1, 0.2]), 60.0)


@pytest.mark.parametrize("tail", TAILS)
def test_a_provisional_level_opens_about_one_false_alarm_in_twice_its_footage(tail: str, fresh_days: Fresh) -> None:
    """Of 20 simulated cameras, learnt from six minutes each: the interval that is stated holds for most."""
    fresh = fresh_days(tail)
    within, on = [], []
    for seed in range(20):
        strict, level = (learnt(tail, 0.1, seed).at(4.0, provisional=provisional) for provisional in (False, True))
        assert level.provisional
        assert level.on <= strict.on
        within.append(level.expected_low <= fresh.count(level.on) / FRESH_DAYS <= level.expected_high)
        on.append(level.expected)
    assert sum(within) >= 15
    assert 60 < float(np.median(on)) < 240  # a day; once in 12 minutes is 120


@settings(deadline=None, max_examples=40)
@given(per_day=budgets, seed=st.integers(0, 5), hours=st.sampled_from([0.02, 0.1, 1.0, 8.0]))
def test_a_provisional_level_is_the_budgets_own_once_there_is_enough_footage(
    per_day: float, seed: int, hours: float
) -> None:
    model = learnt("exponential", hours, seed)
    strict, level = model.at(per_day), model.at(per_day, provisional=True)
    until_hours = min(24 / per_day / PROVISIONAL, 0.5)
    assert level.provisional is (model.footage_s / HOUR_S < until_hours)
    if level.provisional:
        assert level.supported
        assert level.on <= strict.on
        assert level.needed_hours == pytest.approx(until_hours)
        assert model.rule(per_day, provisional=True).on == level.on
    else:
        assert level == strict


def test_a_provisional_level_says_what_to_expect_and_until_when() -> None:
    level = learnt("exponential", 0.1, 0).at(4.0, provisional=True)
    assert level.warning is not None
    assert level.warning.startswith(
        "still learning: 6 min of normal footage so far, so expect a false alarm about every "
    )
    assert level.warning.endswith(" for now; from 30 min on about 4 a day")


@given(st.lists(st.floats(0.0, 50.0), max_size=40), st.floats(60.0, 1e6), st.floats(1e-4, 100.0), st.floats(0.05, 0.95))
@settings(max_examples=30, deadline=None)
def test_a_level_is_what_plain_halving_finds(
    levels: list[float], footage_s: float, count: float, chance: float
) -> None:
    model = ThresholdModel(np.array(sorted(levels, reverse=True), np.float64), footage_s)
    low, high = 0.0, _HIGHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if model._chance(middle, count) >= chance else (middle, high)
    assert model._level(count, chance) == pytest.approx(high, abs=1e-11)


@pytest.mark.parametrize("peak", [0.2, 0.26, 0.35])
def test_a_single_event_is_no_certainty(peak: float) -> None:
    """Footage that repeats itself has one: the next may well be somewhat higher."""
    threshold = ThresholdModel(np.array([peak / (1.0 - peak)]), footage_s=30.0).at(4.0)
    assert peak + 0.1 < threshold.on < peak + 0.3
    assert threshold.on_high - threshold.on_low > 0.05
