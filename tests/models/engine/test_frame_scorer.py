"""Scores depend on the past alone, go on exactly after a restart, and are never NaN."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from plain_stream import DIM, features_at

from models.banks.bank import Bank, StreamBank
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from patchwatch.contract.errors import NonFiniteScoreError

Frames = list[tuple[Features, Features]]


@pytest.fixture
def frames() -> Frames:
    """20 s of normal, 4 s with a strange person, 10 s of normal."""
    noise = np.random.default_rng(5)
    strange = range(100, 120)
    return [
        (features_at(0.0, 9.0 if n in strange else 1.0, noise=noise), features_at(5.0, noise=noise)) for n in range(170)
    ]


def play(scorer: FrameScorer, frames: Frames, start: int = 0) -> list[FrameScore]:
    return [scorer.score(pair, (start + n) / 5) for n, pair in enumerate(frames)]


def test_a_strange_person_raises_one_event_with_stream_and_region(bank: Bank, frames: Frames) -> None:
    readings = play(FrameScorer(bank), frames)
    changes = [event for reading in readings for event in reading.changes]
    assert changes[0].ended_s is None
    assert changes[-1].ended_s is not None
    assert len({event.started_s for event in changes}) == 1
    assert 20.0 <= changes[0].started_s < 21.0
    assert (changes[-1].stream, changes[-1].box_xyxy_px) == ("local", (10.0, 0.0, 20.0, 20.0))


def test_the_future_changes_nothing(bank: Bank, frames: Frames) -> None:
    whole = play(FrameScorer(bank), frames)
    assert play(FrameScorer(bank), frames[:110]) == whole[:110]


@pytest.mark.parametrize("cut", [1, 101, 104, 125])
def test_a_restart_goes_on_exactly(bank: Bank, frames: Frames, cut: int) -> None:
    expected = play(FrameScorer(bank), frames)
    first, second = FrameScorer(bank), FrameScorer(bank)
    got = play(first, frames[:cut])
    assert second.restore(json.loads(json.dumps(first.state()))) == []
    assert got + play(second, frames[cut:], cut) == expected


def test_another_bank_closes_the_open_event_and_starts_afresh(bank: Bank, frames: Frames) -> None:
    first, second = FrameScorer(bank), FrameScorer(replace(bank, created_at="later"))
    play(first, frames[:115])
    assert first.open_event is not None
    [closed] = second.restore(first.state())
    assert closed.started_s == first.open_event.started_s
    assert second.open_event is None


def test_nan_is_refused_and_leaves_the_state_alone(bank: Bank, frames: Frames) -> None:
    scorer = FrameScorer(bank)
    play(scorer, frames[:10])
    before = scorer.state()
    spoilt = Features.ungrouped(np.full((1, DIM), np.nan, np.float32), np.zeros((1, 4), np.float32))
    with pytest.raises(NonFiniteScoreError, match="'global'"):
        scorer.score((frames[10][0], spoilt), 2.0)
    assert scorer.state() == before


def test_silence_is_neutral(bank: Bank) -> None:
    nothing = (Features.none(DIM), Features.none(DIM))
    reading = FrameScorer(bank).score(nothing, 0.0)
    assert reading.driver is None
    assert 0 < reading.score < bank.rule.on


def test_all_seeds_and_groups_are_compared_at_once() -> None:
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(3, 5, 7, 4)).astype(np.float32)
    queries, groups = rng.normal(size=(9, 4)).astype(np.float32), rng.integers(0, 5, 9).astype(np.int32)
    features = Features(queries, np.zeros((9, 4), np.float32), groups)
    expected = [
        [np.linalg.norm(vectors[seed, group] - query, axis=1).min() for seed in range(3)]
        for query, group in zip(queries, groups, strict=True)
    ]
    assert StreamBank(vectors).distances(features) == pytest.approx(np.array(expected), abs=1e-5)
