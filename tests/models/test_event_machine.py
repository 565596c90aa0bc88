"""Any run of scores, gaps, clock steps, rules and restarts: what holds of events whatever comes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.alarms.event_detector import TOLERANCE_S, Event, EventDetector, EventRule, Phase

rules = st.builds(
    lambda on, off_of_on, least, cooldown, gap: EventRule(on, on * off_of_on, least, cooldown, gap),
    st.floats(0.05, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 5), st.floats(1, 10),
)  # fmt: skip
scores = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))


class Events(RuleBasedStateMachine):
    """Two detectors hear the same; the second is made again from the first one's stored state now and then."""

    @initialize(rule=rules)
    def begin(self, rule: EventRule) -> None:
        self.at_s = 1_800_000_000.0
        self.rule, self.detector, self.restarted = rule, EventDetector(rule), EventDetector(rule)
        self.open: Event | None = None
        self.high_since_s: float | None = None  # of an unbroken run at or above `on`, as far as one may open

    @rule(step_s=st.floats(0.01, 0.5), score=scores)
    def frame(self, step_s: float, score: float) -> None:
        self.at_s += step_s
        self.hear(score)

    @rule(score=scores, beyond_s=st.floats(0.1, 100))
    def gap(self, score: float, beyond_s: float) -> None:
        self.at_s += self.rule.gap_s + beyond_s
        self.broken_off(score)

    @rule(score=scores, back_s=st.floats(0.1, 1e6))
    def clock_set_back(self, score: float, back_s: float) -> None:
        self.at_s -= back_s
        self.broken_off(score)

    @rule()
    def restart(self) -> None:
        stored = json.dumps(self.detector.state())
        self.restarted = EventDetector(self.rule)
        self.restarted.restore(json.loads(stored))
        assert json.dumps(self.restarted.state()) == stored

    @rule(nonsense=st.sampled_from([math.nan, math.inf, -math.inf]), of_time=st.booleans())
    def nonsense(self, nonsense: float, of_time: bool) -> None:
        before = self.detector.state()
        with pytest.raises(ValueError, match="finite"):
            self.detector.update(nonsense if of_time else self.at_s, 0.5 if of_time else nonsense, None, None)
        assert self.detector.state() == before

    def broken_off(self, score: float) -> None:
        """What was open is closed before the first score after the break is looked at."""
        was_open = self.open
        self.high_since_s = None
        changes = self.hear(score)
        if was_open:
            assert changes[0].ended_s is not None
            assert (changes[0].started_s, changes[0].opened_s) == (was_open.started_s, was_open.opened_s)

    def hear(self, score: float) -> list[Event]:
        changes = self.detector.update(self.at_s, score, "motion", (0.0, 1.0, 2.0, 3.0))
        assert self.restarted.update(self.at_s, score, "motion", (0.0, 1.0, 2.0, 3.0)) == changes
        if score < self.rule.on:
            self.high_since_s = None
        elif self.high_since_s is None:
            self.high_since_s = self.at_s
        for change in changes:
            self.take(change, score)
        return changes

    def take(self, change: Event, score: float) -> None:
        if change.ended_s is not None:
            assert self.open is not None, "only what is open closes"
            assert change.ended_s >= change.opened_s
            self.open = None
        elif self.open is None:
            assert score >= self.rule.on, "nothing opens below the threshold"
            assert self.high_since_s is not None
            assert self.at_s - change.started_s >= self.rule.min_duration_s - 2 * TOLERANCE_S
            assert change.opened_s == self.at_s
            self.open = change
        else:
            assert change.started_s == self.open.started_s, "one event at a time"
            assert change.peak_score > self.open.peak_score
            self.open = change

    @invariant()
    def the_detector_says_the_same_of_what_is_open(self) -> None:
        if hasattr(self, "detector"):
            assert self.detector.open_event == self.open
            assert (self.open is not None) == (self.detector.phase in (Phase.OPEN, Phase.FADING))


TestEvents = Events.TestCase
TestEvents.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@given(rule=rules, steps=st.lists(st.tuples(st.floats(0.01, 1.0), scores), max_size=80))
def test_between_below_off_and_the_cooldown_nothing_closes_and_after_it_nothing_stays_open(
    rule: EventRule, steps: list[tuple[float, float]]
) -> None:
    detector, at_s, last_high_s = EventDetector(rule), 0.0, 0.0
    for step_s, score in steps:
        was_open = detector.open_event
        at_s += step_s
        changes = detector.update(at_s, score, None, None)
        if was_open and score < rule.off:
            over = at_s - last_high_s >= rule.cooldown_s - TOLERANCE_S
            assert (detector.open_event is None) == over
            assert changes == ([replace(was_open, ended_s=last_high_s)] if over else [])
        if detector.open_event and score >= rule.off:
            last_high_s = at_s


@pytest.mark.parametrize(
    "damage",
    [
        {"phase": "asleep"}, {"phase": "open", "event": None}, {"event": {"started_s": 1.0}}, {"last_s": "soon"},
        {"last_high_s": math.nan}, {"event": [1, 2]},
    ],
)  # fmt: skip
def test_a_state_that_is_none_is_refused_and_changes_nothing(damage: dict[str, object]) -> None:
    detector = EventDetector(EventRule(0.6, 0.3))
    before = detector.state()
    with pytest.raises((ValueError, KeyError, TypeError)):
        detector.restore(before | damage)
    assert detector.state() == before
