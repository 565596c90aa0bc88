"""Events open once, close once, and survive a flicker, a gap and a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.event_detector import AlertGate, Event, EventDetector, EventRule, Phase

RULE = EventRule(on=0.6, off=0.3, min_duration_s=0.4, cooldown_s=2.0, gap_s=10.0)


def play(scores: list[float], detector: EventDetector, start_s: float = 0.0, step_s: float = 0.2) -> list[Event]:
    changes = []
    for n, score in enumerate(scores):
        changes += detector.update(round(start_s + n * step_s, 6), score, "motion", (1.0, 2.0, 3.0, 4.0))
    return changes


def test_a_spike_shorter_than_the_minimum_opens_nothing() -> None:
    assert play([0.1, 0.9, 0.9, 0.1, 0.9, 0.1], EventDetector(RULE)) == []


def test_a_sustained_rise_opens_raises_and_closes_once() -> None:
    detector = EventDetector(RULE)
    changes = play([0.1, 0.7, 0.7, 0.7, 0.8, 0.5] + [0.1] * 15, detector)
    opened, raised, closed = changes
    assert (opened.started_s, opened.opened_s, opened.ended_s) == (0.2, 0.6, None)
    assert (raised.peak_s, raised.peak_score) == (0.8, 0.8)
    assert (closed.started_s, closed.ended_s, closed.peak_score) == (0.2, 1.0, 0.8)
    assert detector.phase is Phase.QUIET


def test_a_flicker_within_the_cooldown_is_one_event() -> None:
    scores = [0.7] * 5 + [0.1] * 5 + [0.7] * 5 + [0.1] * 5 + [0.7] * 5
    changes = play(scores, EventDetector(RULE))
    assert len({event.started_s for event in changes}) == 1
    assert all(event.ended_s is None for event in changes)


def test_a_gap_closes_the_event_where_the_frames_ended() -> None:
    detector = EventDetector(RULE)
    play([0.7] * 5, detector)
    [closed] = detector.update(100.0, 0.1, None, None)
    assert closed.ended_s == 0.8


def test_a_clock_that_was_set_back_closes_the_event() -> None:
    detector = EventDetector(RULE)
    play([0.7] * 5, detector, start_s=3600.0)
    [closed] = detector.update(0.0, 0.1, None, None)
    assert closed.ended_s == 3600.8


def test_a_gap_may_close_one_event_and_a_later_rise_open_another() -> None:
    detector = EventDetector(RULE)
    changes = play([0.7] * 5, detector) + play([0.7] * 5, detector, start_s=100.0)
    assert [event.ended_s for event in changes] == [None, 0.8, None]


@given(st.lists(st.floats(0, 1), max_size=120), st.integers(0, 120))
def test_a_restored_detector_goes_on_exactly_and_keeps_one_open_event(scores: list[float], cut: int) -> None:
    whole, first, second = EventDetector(RULE), EventDetector(RULE), EventDetector(RULE)
    expected = play(scores, whole)
    got = play(scores[:cut], first)
    second.restore(json.loads(json.dumps(first.state())))
    got += play(scores[cut:], second, start_s=0.2 * min(cut, len(scores)))
    assert [event.started_s for event in got] == pytest.approx([event.started_s for event in expected])
    open_now: set[float] = set()
    for event in got:
        open_now = open_now - {event.started_s} if event.ended_s is not None else open_now | {event.started_s}
        assert len(open_now) <= 1


def test_off_above_on_is_refused() -> None:
    with pytest.raises(ValueError, match="off <= on"):
        EventRule(on=0.3, off=0.4)


def test_an_open_event_survives_another_rule_and_ends_by_its_off() -> None:
    detector = EventDetector(RULE)
    [opened] = play([0.7] * 3, detector)
    detector.rule = EventRule(on=0.9, off=0.675, min_duration_s=0.4, cooldown_s=2.0)
    assert play([0.68] * 20, detector, start_s=0.6) == []
    assert detector.open_event is not None
    [closed] = play([0.65] * 12, detector, start_s=4.6)
    assert (closed.started_s, closed.ended_s) == (opened.started_s, 4.4)


def test_what_was_rising_must_reach_a_threshold_that_was_raised() -> None:
    detector = EventDetector(RULE)
    assert play([0.7], detector) == []
    detector.rule = EventRule(on=0.9, off=0.675)
    assert play([0.7] * 10, detector, start_s=0.2) == []


def test_nothing_opens_while_a_transition_holds_and_it_opens_afterwards() -> None:
    detector = EventDetector(RULE)
    held = [detector.update(n / 5, 0.9, None, None, AlertGate.HOLD) for n in range(20)]
    assert not any(held)
    [opened] = play([0.9] * 3, detector, start_s=4.0)
    assert opened.started_s == 4.0


def test_an_open_event_outlasts_a_transition_unchanged() -> None:
    detector = EventDetector(RULE)
    [opened] = play([0.7] * 4, detector)
    assert not any(detector.update(0.8 + n / 5, 0.99, None, None, AlertGate.HOLD) for n in range(20))
    assert detector.open_event == opened


def test_an_open_event_closes_when_a_condition_begins() -> None:
    detector = EventDetector(RULE)
    play([0.7] * 4, detector)
    [closed] = detector.update(0.8, 0.99, None, None, AlertGate.SUPPRESS)
    assert closed.ended_s == pytest.approx(0.6)
    assert closed.peak_score == 0.7
    assert detector.update(1.0, 0.99, None, None, AlertGate.SUPPRESS) == []
