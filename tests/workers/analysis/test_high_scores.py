"""What is kept of the scores for days opens the same events as all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alarms.alarm_threshold import LEAST_ON
from models.alarms.event_detector import AlertGate, EventRule
from models.alarms.event_replay import KnownScores, RuleFrom, replay
from patchwatch.messages.frames.score import Score
from workers.analysis.high_scores import FLOOR, HighScores

OPEN, HOLD, SUPPRESS = AlertGate.OPEN, AlertGate.HOLD, AlertGate.SUPPRESS
FRAMES = st.lists(
    st.tuples(
        st.sampled_from([200, 200, 200, 1000, 4900, 5000, 9900, 10_100]),
        st.sampled_from([0.1, 0.1, 0.22, FLOOR, 0.28, 0.35, 0.4, 0.5, 0.9]),
        st.sampled_from([OPEN] * 8 + [HOLD, SUPPRESS, SUPPRESS]),
        st.sampled_from([False] * 9 + [True]),
    ),
    min_size=1,
    max_size=80,
)
RULES = st.sampled_from(
    [EventRule(LEAST_ON, FLOOR), EventRule(0.4, 0.3), EventRule(0.4, 0.35), EventRule(0.6, 0.45), EventRule(0.9, 0.5)]
)


def score(value: float, *, began: bool) -> Score:
    return Score(1, 1, 1, value, value, (), None, None, events_began=began)


def kept(frames: list[Any]) -> list[Any]:
    """As the inference worker does it."""
    high, gates, found, at_ms = HighScores(), {}, [], 0
    for step_ms, value, gate, began in frames:
        at_ms += step_ms
        gates[at_ms] = gate
        entry = at_ms, score(value, began=began)
        if value >= FLOOR or began or gate is not OPEN:
            found += high.keep(entry, gate)
        else:
            high.low = entry
    return [(at_ms, one.score, gates[at_ms], one.events_began) for at_ms, one in found]


def known(rows: list[Any]) -> KnownScores:
    times_ms, scores, gates, begins = zip(*rows, strict=True)
    return KnownScores(np.array(times_ms) / 1000, np.array(scores), gates, np.array(begins))


@settings(max_examples=300)
@given(FRAMES, RULES)
def test_it_tells_the_same_events(frames: list[Any], rule: EventRule) -> None:
    times_ms = np.cumsum([frame[0] for frame in frames]).tolist()
    everything = [(at_ms, *frame[1:]) for at_ms, frame in zip(times_ms, frames, strict=True)]
    selected = kept(frames)
    assert [row[0] for row in selected] == sorted({row[0] for row in selected}), "each once, in order"
    told = replay(known(selected), [RuleFrom(0, rule)], over=True) if selected else []
    assert told == replay(known(everything), [RuleFrom(0, rule)], over=True)


def test_little_is_kept_of_a_calm_or_a_covered_camera() -> None:
    calm = [(200, 0.1, OPEN, n == 0) for n in range(1000)]
    covered = [(200, 0.9, SUPPRESS, False)] * 1000
    assert len(kept(calm)) == 1
    assert len(kept(calm + covered + calm)) == 5
