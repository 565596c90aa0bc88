"""What was added is normal, in its hours, and nothing else changes: without it scores are equal to the bit."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_stream import DIM, features_at

from models.alarms.calibration import Calibration, RankCalibration
from models.banks.additions import Addition, Additions, MotionAdditions, StreamAdditions
from models.banks.bank import Bank, StreamBank, frame_distance
from models.banks.hours import Hours
from models.banks.rare_vectors import MOST_UNGROUPED, RARE, StreamVectors, rare_vectors
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features

Frames = list[tuple[Features, Features]]
STRANGE, OTHER = 9.0, -7.0
ALL_IS_RARE = Calibration(np.zeros(1), -1.0, 1.0)


def scene(strange: float, seed: int = 5) -> Frames:
    """20 s of normal, 4 s with a strange person, 10 s of normal."""
    noise = np.random.default_rng(seed)
    return [
        (features_at(0.0, strange if 100 <= n < 120 else 1.0, noise=noise), features_at(5.0, noise=noise))
        for n in range(170)
    ]


def play(scorer: FrameScorer, frames: Frames, wall_ms: int | None = None) -> list[FrameScore]:
    return [scorer.score(pair, n / 5, wall_ms=wall_ms) for n, pair in enumerate(frames)]


def alerts(scores: list[FrameScore]) -> int:
    return len({event.started_s for score in scores for event in score.changes})


def learnt(bank: Bank, frames: Frames, hours: Hours | None = None) -> Additions:
    return Additions(bank, [Addition(rare_vectors(bank, frames), hours)])


def test_the_same_thing_again_is_silent_and_undone_to_the_bit(bank: Bank) -> None:
    again, other = scene(STRANGE, 6), scene(OTHER, 7)
    before = play(FrameScorer(bank), again), play(FrameScorer(bank), other)
    assert (alerts(before[0]), alerts(before[1])) == (1, 1)
    scorer = FrameScorer(bank)
    scorer.use_additions(learnt(bank, scene(STRANGE)))
    silent = play(scorer, again)
    assert alerts(silent) == 0
    assert max(score.score for score in silent) < bank.rule.on
    undone = FrameScorer(bank)
    undone.use_additions(learnt(bank, scene(STRANGE)))
    undone.use_additions(None)
    assert play(undone, again) == before[0]


def test_another_anomaly_is_judged_as_before_to_the_bit(bank: Bank) -> None:
    """Its person is nowhere near what was added."""
    other = scene(OTHER, 7)
    scorer = FrameScorer(bank)
    scorer.use_additions(learnt(bank, scene(STRANGE)))
    got, expected = play(scorer, other), play(FrameScorer(bank), other)
    assert alerts(got) == 1
    ordinary = [n for n, score in enumerate(expected) if max(filter(None, score.rarities), default=0.0) < RARE]
    assert len(ordinary) > 100
    assert [got[n].unsmoothed for n in ordinary] == [expected[n].unsmoothed for n in ordinary]
    assert [score.distances[0] for score in got[100:120]] == [score.distances[0] for score in expected[100:120]]


def test_an_undone_addition_leaves_nothing_behind_in_a_running_scorer(bank: Bank) -> None:
    """From the first frame on: what the scores would have been was known all the time."""
    frames, scorer, untouched = scene(STRANGE), FrameScorer(bank), FrameScorer(bank)
    scorer.use_additions(learnt(bank, frames))
    for n, pair in enumerate(frames):
        if n == 110:
            scorer.use_additions(None)
        got, expected = scorer.score(pair, n / 5), untouched.score(pair, n / 5)
        assert got.score_without_additions == (expected.score if n < 110 else None)
        if n >= 110:
            assert got.score == expected.score


@pytest.mark.parametrize("undone", [False, True])
def test_a_restart_goes_on_exactly(bank: Bank, *, undone: bool) -> None:
    frames, additions = scene(STRANGE), learnt(bank, scene(STRANGE))
    first, second = FrameScorer(bank), FrameScorer(bank)
    first.use_additions(additions)
    play(first, frames[:110])
    second.restore(json.loads(json.dumps(first.state())))
    if undone:
        first.use_additions(None)
    second.use_additions(None if undone else additions)
    rest = [(pair, 22.0 + n / 5) for n, pair in enumerate(frames[110:])]
    assert [first.score(*each) for each in rest] == [second.score(*each) for each in rest]


def test_features_that_a_stream_repeats_are_measured_again_under_new_additions(bank: Bank) -> None:
    frames = scene(STRANGE)
    scorer = FrameScorer(bank)
    first = scorer.score(frames[110], 22.0)
    scorer.use_additions(learnt(bank, frames))
    second = scorer.score(frames[110], 22.2)
    assert second.distances[0] is not None
    assert first.distances[0] is not None
    assert second.distances[0].value < first.distances[0].value / 5


@given(st.integers(0, 2**32 - 1))
def test_scores_can_only_fall(seed: int) -> None:
    noise = np.random.default_rng(seed)
    groups = int(noise.integers(1, 6))
    bank = StreamBank(
        noise.normal(size=(3, groups, 7, 4)).astype(np.float32),
        scales=noise.uniform(0.5, 2.0, groups).astype(np.float32),
    )
    parts = [_vectors(noise, groups, int(count)) for count in noise.integers(1, 30, 3)]
    added = StreamAdditions(bank, [ALL_IS_RARE], parts)
    for _ in range(3):  # other places count in each
        queries = _vectors(noise, groups, int(noise.integers(1, 20)))
        features = Features(queries.vectors, np.zeros((len(queries), 4), np.float32), queries.groups)
        vectors = np.concatenate([part.vectors for part in parts])
        group_of = np.concatenate([part.groups for part in parts])
        expected = [
            min([np.linalg.norm(vector - v) for v, g in zip(vectors, group_of, strict=True) if g == group] + [np.inf])
            / bank.scales[group]  # type: ignore[index]
            for vector, group in zip(queries.vectors, queries.groups, strict=True)
        ]
        assert added.distances(features, bank.scales) == pytest.approx(np.array(expected), abs=3e-3)
        with_it, without = added.frame_distances(features)
        assert without == frame_distance(bank, features)
        assert with_it is not None
        assert without is not None
        assert with_it.value <= without.value


def test_what_was_added_at_a_place_counts_beside_it_too() -> None:
    """As exemplars of a place are drawn from those beside it."""
    rows, columns = 4, 5
    bank = StreamBank(np.full((1, rows * columns, 1, 2), 9, np.float32))
    corner = StreamVectors(np.zeros((1, 2), np.float32), np.zeros(1, np.int32))
    added = StreamAdditions(bank, [ALL_IS_RARE], [corner], (rows, columns))
    everywhere = Features(
        np.zeros((rows * columns, 2), np.float32), np.zeros((rows * columns, 4), np.float32),
        np.arange(rows * columns, dtype=np.int32),
    )  # fmt: skip
    assert np.flatnonzero(added.distances(everywhere, None) == 0).tolist() == [0, 1, columns, columns + 1]


STILL, LEFTWARDS = np.zeros(8, np.float32), np.array([0, 0, 0, 0, 0.05, 0, 0, 0], np.float32)
RIGHTWARDS, DOWNWARDS = np.eye(8, dtype=np.float32)[[0, 2]]


@pytest.mark.parametrize(
    ("moving", "known"),
    [
        (0.16 * RIGHTWARDS, True),
        (0.05 * RIGHTWARDS, True),
        (0.25 * RIGHTWARDS, True),  # a plain surface, whose flow came out too slow
        (0.32 * RIGHTWARDS, False),  # more than a quarter faster than the fastest of it
        (0.16 * DOWNWARDS, False),
        (0.16 * RIGHTWARDS + LEFTWARDS, True),  # somebody passes as somebody always does
        (0.16 * RIGHTWARDS + 4 * LEFTWARDS, False),
    ],
)
def test_what_moves_as_what_was_added_is_known_and_nothing_faster(moving: np.ndarray, *, known: bool) -> None:
    added = rightwards(0.15, 0.2)
    at_the_first = Features(moving[None], np.zeros((1, 4), np.float32), np.zeros(1, np.int32))
    with_it, without = added.frame_distances(at_the_first)
    assert with_it is not None
    assert without is not None
    assert without.value > 0.04
    assert (with_it.value < 0.011) is known


def test_what_was_added_slowly_everywhere_makes_no_runner_known() -> None:
    twice = Features(0.1 * RIGHTWARDS[None], np.zeros((1, 4), np.float32), np.zeros(1, np.int32))
    slowly, quickly = rightwards(0.05, 0.05), rightwards(0.05, 0.1)
    for added, at_most in ((slowly, 0.05 * 1.25), (quickly, 0.05 * 2)):
        distance, _ = added.frame_distances(twice)
        assert distance is not None
        assert distance.value == pytest.approx(0.1 - at_most, abs=1e-6)


def rightwards(here: float, there: float) -> MotionAdditions:
    """In a place and in one far from it, where nothing but somebody leftwards is normal."""
    bank = StreamBank(np.tile(np.stack([STILL, LEFTWARDS]), (1, 9, 1, 1)))
    part = StreamVectors(np.stack([here * RIGHTWARDS, there * RIGHTWARDS]), np.array([0, 8], np.int32))
    return MotionAdditions(bank, [ALL_IS_RARE], [part], (3, 3))


@given(st.integers(0, 2**32 - 1))
def test_whatever_moves_distances_can_only_fall(seed: int) -> None:
    noise = np.random.default_rng(seed)
    bank = StreamBank(noise.exponential(0.1, (3, 9, 7, 8)).astype(np.float32), scales=np.full(9, 0.5, np.float32))
    parts = [
        StreamVectors(noise.exponential(0.1, (4, 8)).astype(np.float32), noise.integers(0, 9, 4).astype(np.int32))
        for _ in range(2)
    ]
    moving = Features(
        noise.exponential(0.2, (9, 8)).astype(np.float32), np.zeros((9, 4), np.float32), np.arange(9, dtype=np.int32)
    )
    with_it, without = MotionAdditions(bank, [ALL_IS_RARE], parts, (3, 3)).frame_distances(moving)
    assert without == frame_distance(bank, moving)
    assert with_it is not None
    assert without is not None
    assert with_it.value <= without.value


def _vectors(noise: np.random.Generator, groups: int, count: int) -> StreamVectors:
    vectors = noise.normal(size=(count, 4)).astype(np.float32)
    return StreamVectors(vectors, noise.integers(0, groups, count).astype(np.int32))


def test_what_was_never_there_is_silent_once_it_was_added(bank: Bank) -> None:
    """By rank it is rare to be there at all, at whatever distance."""
    never = RankCalibration(np.zeros(0), 500)
    deserted = replace(bank, calibrations=(never, bank.calibrations[1]))
    frames, scorer = scene(STRANGE), FrameScorer(deserted)
    assert scorer.score(frames[110], 0.0).rarities[0] == pytest.approx(np.log10(501))
    scorer.use_additions(learnt(deserted, frames))
    assert scorer.score(frames[110], 1.0).rarities[0] == 0.0
    assert scorer.score(scene(OTHER)[110], 2.0).rarities[0] == pytest.approx(np.log10(501))


def test_only_what_is_rare_is_added(bank: Bank) -> None:
    persons, picture = rare_vectors(bank, scene(STRANGE))
    assert (np.abs(persons.vectors - STRANGE) < 1).all(axis=1).sum() == 20
    assert len(persons) + len(picture) < 60  # of 510 vectors


def test_what_is_added_is_bounded_and_covers_what_was_seen(bank: Bank) -> None:
    noise = np.random.default_rng(3)
    crowd = [(features_at(*np.arange(20.0, 60.0), noise=noise), features_at(5.0, noise=noise)) for _ in range(1000)]
    persons, _ = rare_vectors(bank, crowd)
    assert len(persons) == MOST_UNGROUPED
    assert set(np.rint(persons.vectors.mean(axis=1))) == set(np.arange(20.0, 60.0))


def test_hours_decide_by_the_frame_s_own_time(bank: Bank) -> None:
    hour_ms = 3_600_000
    night = time.localtime(hour_ms * 1000)
    frames = scene(STRANGE)
    scorer = FrameScorer(bank)
    scorer.use_additions(learnt(bank, frames, Hours((night.tm_hour * 60 - 30) % 1440, 60)))
    assert scorer.score(frames[110], 0.0, wall_ms=hour_ms * 1000).rarities[0] < 1.0  # type: ignore[operator]
    assert scorer.score(frames[110], 0.2, wall_ms=hour_ms * 1003).rarities[0] > 3.0  # type: ignore[operator]
    assert scorer.score(frames[110], 0.4).rarities[0] > 3.0  # type: ignore[operator]


def test_hours_pass_midnight_and_know_the_day_they_began_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        late = Hours(23 * 60, 120, weekday=2)  # Wednesdays, 23 to 1
        at = {  # 2026-07-01 is a Wednesday, and Berlin two hours ahead
            "2026-07-01T20:59": False, "2026-07-01T21:00": True, "2026-07-01T22:59": True, "2026-07-01T23:00": False,
            "2026-06-30T22:30": False, "2026-07-02T21:30": False, "2026-12-02T22:30": True,
        }  # fmt: skip
        for moment, within in at.items():
            ms = int(np.datetime64(moment, "ms").astype(int))
            assert late.contains(ms) is within, moment
            assert Hours(23 * 60, 120).contains(ms) is (within or moment in ("2026-06-30T22:30", "2026-07-02T21:30"))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("wrong", [(-1, 5), (1440, 5), (0, 0), (0, 1441), (0, 5, 7)])
def test_no_such_hours(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"hours begin|day of the week"):
        Hours(*wrong)


def test_what_does_not_fit_the_bank_is_refused(bank: Bank) -> None:
    persons = StreamVectors(np.zeros((1, DIM + 1), np.float32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="do not fit"):
        Additions(bank, [Addition((persons, persons))])
    with pytest.raises(ValueError, match="2 streams"):
        Additions(bank, [Addition((persons,))])
    with pytest.raises(ValueError, match="finite"):
        StreamVectors(np.full((1, DIM), np.nan, np.float32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="of bank"):
        FrameScorer(bank).use_additions(Additions(replace(bank, created_at="later"), []))
