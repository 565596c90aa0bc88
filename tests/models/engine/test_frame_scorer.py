"""Scores depend on the past alone, go on exactly after a restart, and are never NaN."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_stream import DIM, features_at

from models.banks.bank import Bank, StreamBank
from models.engine.frame_explanation import NEAREST, ExplainedStream, explain
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.exemplars.provenance import ExemplarOrigins
from models.frames.frame import Features
from models.profiles.fusion import CausalGaussian, contributions, fuse
from models.profiles.profile import Fusion, StreamKind
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


@pytest.mark.parametrize("sigma_s", [0.3, 0.45, 2.0])
def test_scores_are_smoothed_as_the_bank_s_own_profile_says(bank: Bank, frames: Frames, sigma_s: float) -> None:
    own, kernel = replace(bank, profile=replace(bank.profile, smoothing_s=sigma_s)), CausalGaussian(sigma_s)
    for n, reading in enumerate(play(FrameScorer(own), frames[95:130])):
        assert reading.score == pytest.approx(kernel.add(n / 5, reading.unsmoothed))


def test_a_muted_stream_s_silence_makes_no_camera_blind(bank: Bank) -> None:
    """Views too short for places leave movement, and whoever mutes places has been told so."""
    noise, scorer = np.random.default_rng(5), FrameScorer(bank)
    unseen = (features_at(0.0, noise=noise), Features.none(DIM))
    assert scorer.is_silent(scorer.score(unseen, 0.0))
    scorer.mute(frozenset({StreamKind.GLOBAL}))
    assert not scorer.is_silent(scorer.score(unseen, 0.2))
    assert not scorer.is_silent(scorer.score((Features.none(DIM), unseen[0]), 0.4))


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


@pytest.mark.parametrize("neighbours", [2, 5, 50])
def test_a_distance_is_the_mean_to_the_nearest_exemplars(neighbours: int) -> None:
    """All of them where there are no more."""
    rng = np.random.default_rng(9)
    vectors = rng.normal(size=(3, 5, 7, 4)).astype(np.float32)
    queries, groups = rng.normal(size=(9, 4)).astype(np.float32), rng.integers(0, 5, 9).astype(np.int32)
    features, scales = Features(queries, np.zeros((9, 4), np.float32), groups), np.arange(1, 6, dtype=np.float32)
    expected = [
        [np.sort(np.linalg.norm(vectors[seed, group] - query, axis=1))[:neighbours].mean() for seed in range(3)]
        for query, group in zip(queries, groups, strict=True)
    ]
    bank = StreamBank(vectors, neighbours=neighbours)
    assert bank.distances(features) == pytest.approx(np.array(expected), abs=1e-5)
    scaled = StreamBank(vectors, scales=scales, neighbours=neighbours).distances(features)
    assert scaled == pytest.approx(np.array(expected) / (groups[:, None] + 1.0), abs=1e-5)


def test_a_distance_to_no_exemplar_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one exemplar"):
        StreamBank(np.zeros((1, 1, 1, 2), np.float32), neighbours=0)


VALUES = st.none() | st.floats(0, 1e6)


@pytest.fixture
def strange() -> tuple[Features, Features]:
    """A normal and a strange person in a normal frame."""
    noise = np.random.default_rng(5)
    return features_at(0.0, 9.0, noise=noise), features_at(5.0, noise=noise)


def explained(bank: Bank, features: tuple[Features, Features]) -> tuple[ExplainedStream, ...]:
    return explain(bank, features, FrameScorer(bank).score(features, 0.0))


@given(
    kind=st.sampled_from(Fusion),
    streams=st.lists(st.tuples(st.floats(0.01, 10), VALUES), min_size=1, max_size=5),
)
def test_contributions_add_up_to_one_and_are_each_streams_part_of_the_fused_value(
    kind: Fusion, streams: list[tuple[float, float | None]]
) -> None:
    weights, values = [weight for weight, _ in streams], [value for _, value in streams]
    shares = contributions(kind, weights, values, values)
    if all(value is None for value in values):
        assert shares == [0.0] * len(streams)
        return
    assert sum(shares) == pytest.approx(1.0)
    assert all(0 <= share <= 1 for share in shares)
    fused = fuse(kind, weights, values, values)
    assert fused is not None
    spoken = sum(weight for weight, value in streams if value is not None) if kind is Fusion.CALIBRATED else 1.0
    for share, (weight, value) in zip(shares, streams, strict=True):
        assert value is not None or share == 0.0
        assert share * fused * spoken == pytest.approx(weight * (value or 0.0), rel=1e-6, abs=1e-6)


def test_the_stream_that_saw_the_strange_person_contributes_most_and_names_its_box(
    bank: Bank, strange: tuple[Features, Features]
) -> None:
    local, whole = explained(bank, strange)
    assert local.contribution > 0.9 > 0.1 > whole.contribution
    assert local.box_xyxy_px == (10.0, 0.0, 20.0, 20.0)
    assert local.contribution + whole.contribution == pytest.approx(1.0)


def test_the_nearest_exemplars_are_of_different_moments_nearest_first_of_all_seeds(
    bank: Bank, strange: tuple[Features, Features]
) -> None:
    local = explained(bank, strange)[0]
    vectors, query = bank.streams[0].vectors.reshape(-1, DIM), strange[0].vectors[1]
    every = np.sort(np.linalg.norm(vectors - query, axis=1))
    assert local.nearest[0].distance == pytest.approx(every[0])
    assert [one.distance for one in local.nearest] == sorted(one.distance for one in local.nearest)
    assert len({one.moment for one in local.nearest}) == NEAREST
    assert {one.source for one in local.nearest} == {"normal.mp4"}
    assert all(one.thumbnail for one in local.nearest)


def test_a_frame_that_was_learnt_from_finds_itself(bank: Bank) -> None:
    stream = bank.streams[1]
    assert stream.origins is not None
    seen = Features.ungrouped(stream.vectors[2, 0, 4:5], np.array([[0, 0, 160, 90]], np.float32))
    whole = explained(bank, (Features.none(DIM), seen))[1]
    moment = bank.moments.moments[stream.origins.moments[2, 0, 4]]
    assert whole.nearest[0].distance == pytest.approx(0.0, abs=1e-6)
    assert whole.nearest[0].moment == moment
    assert whole.nearest[0].box == pytest.approx((0, 0, 10 / 160, 20 / 90), abs=1e-3)


def test_a_stream_with_nothing_to_say_has_no_part(bank: Bank, strange: tuple[Features, Features]) -> None:
    local, whole = explained(bank, (Features.none(DIM), strange[1]))
    assert (local.contribution, local.rarity, local.distance, local.box_xyxy_px, local.nearest) == (
        0.0, None, None, None, ()
    )  # fmt: skip
    assert whole.contribution == 1.0


def test_without_thumbnails_the_moments_are_still_named(bank: Bank, strange: tuple[Features, Features]) -> None:
    bare = replace(bank, moments=replace(bank.moments, thumbnails=(b"",) * len(bank.moments)))
    nearest = explained(bare, strange)[0].nearest
    assert [one.thumbnail for one in nearest] == [None] * NEAREST
    assert nearest[0].source == "normal.mp4"


def test_a_stream_that_found_nothing_in_normal_footage_has_nothing_near(
    bank: Bank, strange: tuple[Features, Features]
) -> None:
    nothing = np.zeros((3, 1, 0), np.uint8)
    empty = StreamBank(
        np.zeros((3, 1, 0, DIM), np.float32), ExemplarOrigins(nothing, nothing, np.zeros((0, 4), np.float16))
    )
    local = explained(replace(bank, streams=(empty, bank.streams[1])), strange)[0]
    assert local.box_xyxy_px is not None
    assert local.nearest == ()
