"""A replay of known scores yields the very events that the live detector opened on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.event_detector import AlertGate, Event, EventDetector, EventRule
from models.alarms.event_replay import KnownScores, RuleFrom, replay

RULE = EventRule(0.6, 0.45)
GATES = st.sampled_from([AlertGate.OPEN] * 8 + [AlertGate.HOLD, AlertGate.SUPPRESS])
LEVELS = st.sampled_from([0.1, 0.3, 0.44, 0.45, 0.5, 0.6, 0.7, 0.9])
STEPS = st.sampled_from([0.1, 0.2, 0.2, 0.2, 1.0, 4.9, 5.0, 9.9, 10.0, 10.1, 60.0])
FRAMES = st.lists(st.tuples(STEPS, LEVELS, GATES, st.sampled_from([False] * 9 + [True])), min_size=1, max_size=60)


def known(frames: list[tuple[float, float, AlertGate, bool]]) -> KnownScores:
    steps, scores, gates, begins = zip(*frames, strict=True)
    return KnownScores(1.8e9 + np.cumsum(steps), np.array(scores), gates, np.array(begins))


def live(scores: KnownScores, rule: EventRule, others: dict[int, EventRule]) -> list[Event]:
    """All frames through a detector whose rule is replaced before some of them."""
    detector, changes = EventDetector(rule), []
    for n in range(len(scores)):
        detector.rule = others.get(n, detector.rule)
        if scores.begins[n]:
            changes += detector.finish()
        changes += detector.update(float(scores.times_s[n]), float(scores.scores[n]), None, None, scores.gates[n])
    changes += [detector.open_event] if detector.open_event else []
    return list({event.started_s: event for event in changes}.values())


@given(FRAMES)
def test_it_opens_what_the_detector_opens(frames: list[Any]) -> None:
    scores = known(frames)
    assert replay(scores, [RuleFrom(0, RULE)]) == live(scores, RULE, {})


@given(FRAMES, st.integers(0, 59), st.sampled_from([EventRule(0.9, 0.7), EventRule(0.3, 0.2)]))
def test_so_it_does_where_the_rule_is_replaced(frames: list[Any], at: int, other: EventRule) -> None:
    scores = known(frames)
    rules = [RuleFrom(0, RULE), RuleFrom(min(at, len(frames)), other)]
    assert replay(scores, rules) == live(scores, RULE, {at: other})


@given(FRAMES)
def test_nothing_is_judged_without_a_rule_and_nothing_stays_open_once_it_is_over(frames: list[Any]) -> None:
    scores = known(frames)
    assert replay(scores, [RuleFrom(0, None)]) == []
    assert all(event.ended_s is not None for event in replay(scores, [RuleFrom(0, RULE)], over=True))


@pytest.mark.parametrize("wrong", [[1.0, 1.0], [2.0, 1.0], [1.0, float("nan")]])
def test_times_that_do_not_rise_are_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rise|finite"):
        KnownScores(np.array(wrong), np.array([0.1, 0.1]), [AlertGate.OPEN] * 2, np.array([False, False]))
