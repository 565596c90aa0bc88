"""The alert threshold is the level that normal scores sustain as seldom as asked for."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import NEUTRAL_RARITY, score_of
from models.event import EventDetector
from models.threshold import Run, event_rule


def normal_run(seed: int, seconds: float) -> Run:
    """Scores whose odds are exponential, one each 0.5 s: no two belong together."""
    times = np.arange(0.0, seconds, 0.5)
    odds = np.random.default_rng(seed).exponential(scale=0.1, size=len(times))
    return times, odds / (1 + odds)


def test_held_out_normal_footage_opens_nothing() -> None:
    runs = [normal_run(seed, 60.0) for seed in range(4)]
    detector = EventDetector(event_rule(runs))
    assert [
        event
        for run in runs
        for at, score in zip(*run, strict=True)
        for event in detector.update(at, score, None, None)
    ] == []


def test_fewer_false_alarms_mean_a_higher_threshold() -> None:
    runs = [normal_run(1, 600.0)]
    often, seldom = event_rule(runs, 100.0), event_rule(runs, 1.0)
    assert often.off < often.on < seldom.on < 1


@pytest.mark.parametrize("per_day", [24.0, 96.0])
def test_the_rate_on_fresh_footage_is_the_one_asked_for(per_day: float) -> None:
    """Learnt from half an hour, counted on two days: right within a factor of ten either way."""
    rule = event_rule([normal_run(7, 1800.0)], per_day)
    detector, opened = EventDetector(rule), set()
    for at, score in zip(*normal_run(8, 2 * 86_400.0), strict=True):
        opened |= {event.started_s for event in detector.update(at, score, None, None)}
    assert per_day / 10 < len(opened) / 2 < per_day * 10


def test_an_event_closes_again_where_normal_footage_never_varied() -> None:
    """A still picture: its usual score is that of the median."""
    times, calm = np.arange(0.0, 30.0, 0.2), score_of(NEUTRAL_RARITY)
    detector = EventDetector(event_rule([(times, np.full(len(times), calm))]))
    scores = [calm] * 10 + [0.9] * 10 + [calm] * 30
    changes = [event for n, score in enumerate(scores) for event in detector.update(n * 0.2, score, None, None)]
    assert [event.ended_s is not None for event in changes] == [False, True]
