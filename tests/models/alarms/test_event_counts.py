"""Events are counted at any level exactly as the event rule opens them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.event_counts import EventCounts, Run, event_levels, length_s
from models.alarms.event_detector import OPENS_AFTER_S, TOLERANCE_S, AlertGate, EventDetector, EventRule, begins_anew

RULE = EventRule(on=1.0, off=0.75, min_duration_s=0.4, cooldown_s=2.0, gap_s=5.0)

steps = st.sampled_from([0.1, 0.2, 0.2, 0.2, 0.4, 1.0, 1.8, 2.0, 6.0])
scores = st.sampled_from([0.1, 0.3, 0.38, 0.4, 0.5, 0.52, 0.6, 0.7, 0.9])
runs = st.lists(st.lists(st.tuples(steps, scores), min_size=1, max_size=60), min_size=1, max_size=3)


def columns(rows: list[tuple[float, float]]) -> Run:
    table = np.array(rows, np.float64)
    return np.cumsum(table[:, 0]).round(6), table[:, 1]


def detected(runs: list[Run], on: float) -> int:
    """By the detector, whose gate is held where a view begins."""
    opened = 0
    for times, values in runs:
        detector, before = EventDetector(EventRule(on, on * 0.75, 0.4, 2.0, 5.0)), None
        began_s = last_s = float(times[0])
        step_s = 0.0
        for at_s, score in zip(times.tolist(), values.tolist(), strict=True):
            before_s, step_s, last_s = step_s, at_s - last_s, at_s
            began_s = at_s if step_s > 5.0 or begins_anew(step_s, before_s) else began_s
            held = at_s - began_s < OPENS_AFTER_S - TOLERANCE_S
            detector.update(at_s, score, None, None, AlertGate.HOLD if held else AlertGate.OPEN)
            now = detector.open_event
            opened += now is not None and (before is None or now.started_s != before)
            before = now.started_s if now else None
    return opened


@given(runs, scores)
def test_counting_equals_the_event_detector(rows: list[list[tuple[float, float]]], on: float) -> None:
    result = [columns(one) for one in rows]
    assert EventCounts.from_runs(result, RULE).count(on) == detected(result, on)


@given(runs)
def test_the_kth_level_is_the_highest_that_opens_k_events(rows: list[list[tuple[float, float]]]) -> None:
    result = [columns(one) for one in rows]
    levels = event_levels(result, RULE)
    assert (np.diff(levels) <= 0).all()
    for number, level in enumerate(levels):
        assert detected(result, float(level)) >= number + 1
        higher = [on for on in (0.1, 0.3, 0.38, 0.4, 0.5, 0.52, 0.6, 0.7, 0.9) if on > level]
        assert all(detected(result, on) <= number for on in higher)


def test_a_gap_is_no_footage() -> None:
    times = np.concatenate([np.arange(0.0, 10.0, 0.2), np.arange(100.0, 110.0, 0.2)])
    assert length_s([(times, times * 0)], gap_s=5.0) == pytest.approx(19.6 - 2 * OPENS_AFTER_S)


def test_what_is_rare_only_as_a_view_begins_raises_no_level() -> None:
    """Live nothing opens there, so footage in many pieces must not have a higher level than the same in one."""
    times = np.arange(0.0, 20.0, 0.2)
    calm = 0.3 + 0.1 * np.sin(times)
    restless = np.where(times < OPENS_AFTER_S - TOLERANCE_S, 0.9, calm)
    assert event_levels([(times, restless)] * 8, RULE).max() == pytest.approx(calm.max(), abs=0.01)


def test_no_time_is_left_of_pieces_in_which_nothing_may_open() -> None:
    times = np.arange(0.0, 0.9, 0.2)
    assert length_s([(times, times * 0)] * 4, gap_s=5.0) == 0.0


def test_footage_shorter_than_an_event_has_none() -> None:
    assert event_levels([(np.array([0.0, 0.2]), np.array([0.9, 0.9]))], RULE).size == 0
