"""Footage is held out in blocks that take turns, and kept within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from plain_bank import GROUPED, IDENTITY, PROFILE
from plain_stream import DIM, PICTURE, PlainStream, features_at

from models.banks.bank import Bank
from models.banks.bank_builder import MIN_FRAMES, BankBuilder
from models.banks.folds import CURVE, FOLDS, Folds
from models.banks.group_scale import loudest
from models.exemplars.coreset import draw_coreset
from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.profiles.fusion import group_means
from models.profiles.profile import Profile

NOISE = np.random.default_rng(21)
PLAIN = features_at(0.0, noise=NOISE), features_at(5.0, noise=NOISE)


class CompactPlainStream(PlainStream):
    kept = np.float16


class AveragingPlainStream(PlainStream):
    neighbours = 3


def _builder(profile: Profile = PROFILE, kind: type[PlainStream] = PlainStream) -> BankBuilder:
    return BankBuilder(profile, [kind(spec.name) for spec in profile.streams], IDENTITY)


def _fed(frames: int, fps: float = 5.0) -> BankBuilder:
    builder = _builder()
    for n in range(frames):
        builder.add(n / fps, PLAIN, PICTURE)
    return builder


def _noisy(builder: BankBuilder, frames: int) -> Iterator[tuple[Features, ...]]:
    """Adds as many frames and yields the features of each."""
    for n in range(frames):
        features = tuple(features_at(5.0 * k, noise=NOISE) for k in range(len(builder._streams)))
        builder.add(n / 5, features, PICTURE)
        yield features


def _blocks(fold_of: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Fold and length of each block."""
    return [(fold, len(list(run))) for fold, run in groupby(fold_of.tolist())]


# Folds ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(frames=st.integers(MIN_FRAMES, 1500), fps=st.sampled_from([1.0, 5.0, 25.0]))
def test_every_frame_is_in_one_fold_and_none_is_empty(frames: int, fps: float) -> None:
    folds = _fed(frames, fps)._folds()
    assert len(folds.of) == frames
    assert sorted(set(folds.of.tolist())) == list(range(folds.count))
    assert 2 <= folds.count <= FOLDS
    counts = np.bincount(folds.of)
    assert counts.min() >= frames // (2 * len(counts))


def test_blocks_last_20_s_and_folds_take_turns() -> None:
    blocks = _blocks(_fed(1501)._folds().of)
    assert [fold for fold, _ in blocks] == [n % FOLDS for n in range(15)]
    assert all(99 <= frames <= 101 for _, frames in blocks)


def test_blocks_of_long_footage_are_no_more_than_20() -> None:
    blocks = _blocks(_fed(6001, 1.0)._folds().of)
    assert [fold for fold, _ in blocks] == [n % FOLDS for n in range(20)]


@pytest.mark.parametrize(("frames", "folds"), [(26, 2), (60, 3), (99, 4), (101, 5), (400, 5)])
def test_short_footage_is_cut_into_as_many_blocks_as_folds(frames: int, folds: int) -> None:
    assert [fold for fold, _ in _blocks(_fed(frames)._folds().of)] == list(range(folds))


def _measured(builder: BankBuilder) -> tuple[Folds, NDArray[np.float64]]:
    """The folds, and the held-out distances of the first stream."""
    folds = builder._folds()
    banks = [builder._draw_without(folds, number) for number in range(folds.count)]
    held_out, _ = builder._hold_out(banks, folds)
    return folds, np.array([part.distance.value for part in held_out[0] if part])


def test_a_frame_is_measured_against_the_bank_without_its_fold() -> None:
    """What was there once, for less than a block, is unknown to the bank that it is held out from."""
    builder = _builder()
    for n in range(500):
        builder.add(n / 5, (features_at(9.0 if 210 <= n < 220 else 0.0, noise=NOISE), PLAIN[1]), PICTURE)
    _, distances = _measured(builder)
    assert (distances[210:220] > 10.0).all()
    assert np.delete(distances, range(210, 220)).max() < 2.0


def test_what_changes_in_the_course_of_the_footage_is_known_to_every_fold() -> None:
    """Noon is like one o'clock and five past: held out in one piece each part would be a stranger."""
    builder = _builder()
    for n in range(2000):
        builder.add(n / 5, (features_at(n / 200, noise=NOISE), PLAIN[1]), PICTURE)
    folds, distances = _measured(builder)
    by_fold = [np.median(distances[folds.of == fold]) for fold in range(FOLDS)]
    assert max(by_fold) < 2 * min(by_fold)


# Edges of blocks ------------------------------------------------------------------------------------------------


class LookingBackStream(PlainStream):
    """Its vectors are means over a second, and it keeps all of them."""

    look_back_s = 1.0

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        vectors = np.concatenate([features.vectors for features in normal])
        return Exemplars.ungrouped(normal, draw_coreset(vectors, ratio=1.0, cap=1000, seed=seed))


def test_a_level_does_not_profit_from_pictures_on_both_sides_of_an_edge() -> None:
    """Every picture is another, so footage that shares none with a bank is as far from it at the edge as anywhere."""
    at_edge, elsewhere = [], []
    for seed in range(12):
        pictures = np.random.default_rng(seed).normal(size=(64, DIM)).astype(np.float32)
        builder = _builder(kind=LookingBackStream)
        for n in range(60):
            mean = Features.ungrouped(pictures[None, n : n + 5].mean(axis=1), np.zeros((1, 4), np.float32))
            builder.add(n / 5, (mean, mean), PICTURE)
        folds, distances = _measured(builder)
        edges = np.flatnonzero(np.diff(folds.of)) + 0.5
        from_edge = np.abs(np.arange(60)[:, None] - edges).min(axis=1)
        at_edge += distances[from_edge < 3].tolist()
        elsewhere += distances[from_edge > 5].tolist()
    assert np.median(at_edge) > 0.9 * np.median(elsewhere)


# With jitter, gaps, and the rates of cameras.
_STEPS_S = st.lists(st.sampled_from([0.04, 0.2, 0.21, 0.5, 1.0, 5.0]), min_size=20, max_size=60)
_LOOK_BACKS_S = st.sampled_from([0.0, 0.2, 0.5, 0.6, 1.0])


@settings(deadline=None, max_examples=100)
@given(steps_s=_STEPS_S, look_back_s=_LOOK_BACKS_S, begins=st.lists(st.integers(0, 59), max_size=4))
def test_learnt_from_is_whatever_shares_no_picture_with_what_is_held_out(
    steps_s: list[float], look_back_s: float, begins: list[int]
) -> None:
    times_s = np.round(np.cumsum(steps_s), 2)
    runs = np.cumsum([n in begins for n in range(len(times_s))])
    folds = Folds.take_turns(times_s, runs, 30.0)
    pictures = [_pictures(times_s, runs, n, look_back_s) for n in range(len(times_s))]
    for known, chosen in [
        *((folds.of != fold, folds.without([fold], look_back_s)) for fold in range(folds.count)),
        *((~np.isin(folds.of, part.without), folds.without(part.without, look_back_s)) for part in CURVE[2:]),
    ]:
        held_out = {picture for n in np.flatnonzero(~known) for picture in pictures[n]}
        assert chosen.tolist() == [n for n in np.flatnonzero(known) if not pictures[n] & held_out]


def _pictures(times_s: NDArray[np.float64], runs: NDArray[np.int64], frame: int, look_back_s: float) -> set[int]:
    """Those that a frame's vectors depend on."""
    seen = [n for n in range(frame + 1) if runs[n] == runs[frame]]
    window = [n for n in seen if n == frame or times_s[n] >= times_s[frame] - look_back_s - 1e-3]
    return {*window, max(window[0] - 1, seen[0])}


def test_a_stream_that_does_not_look_back_learns_up_to_the_edge_and_a_new_run_shares_nothing() -> None:
    times_s, runs = np.arange(200) / 5, np.repeat([1, 2], 100)
    folds = Folds.take_turns(times_s, runs, 40.0)
    assert folds.without([0], None).tolist() == np.flatnonzero(folds.of != 0).tolist()
    two = Folds(np.repeat([0, 1], 100), times_s, runs)
    assert two.without([0], 1.0).tolist() == list(range(100, 200))
    one = Folds(np.repeat([0, 1], 100), times_s, np.ones(200, np.int64))
    assert one.without([0], 1.0).tolist() == list(range(106, 200))


def test_the_curve_ends_with_every_frame_held_out_once_together_with_a_neighbour_in_time() -> None:
    *_, last = sorted({part.share for part in CURVE})
    parts = [part for part in CURVE if part.share == last]
    assert sorted(fold for part in parts for fold in part.of) == list(range(FOLDS))
    assert all((part.without[1] - part.without[0]) % FOLDS == 1 for part in parts)
    assert all(set(part.of) <= set(part.without) for part in CURVE)
    assert sorted(part.share for part in CURVE) == pytest.approx([0.2, 0.4, 0.6, 0.6, 0.6])


# Memory ---------------------------------------------------------------------------------------------------------


def test_vectors_beyond_the_bound_in_bytes_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.banks.bank_builder._KEPT_MB", 0.1)
    builder, most = _builder(), 0
    for features in _noisy(builder, 3000):
        most = max(most, sum(_bytes(frame) for frame in builder._frames))
        assert _bytes(features) > 0
    assert most <= 0.1 * 2**20
    bank = builder.build(["long.mp4"])
    assert bank.footage.frames == 3000
    assert bank.footage.thinned == 4
    assert len(builder._frames) == 5 * 150  # every fourth half minute


def _bytes(frame: Sequence[Features]) -> int:
    return sum(part.vectors.nbytes + part.boxes_xyxy_px.nbytes for part in frame)


def test_a_single_stretch_beyond_the_bound_lets_later_footage_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crowd in the first half minute: nothing of it can be let go, nor must all that follows be."""
    monkeypatch.setattr("models.banks.bank_builder.MAX_FRAMES", 100)
    builder = _builder()
    for n in range(150):
        builder.add(n / 5, PLAIN, PICTURE)
    assert builder._thinned == 1


def test_a_stream_of_many_vectors_is_kept_in_its_narrow_type_and_gives_exemplars_of_the_full_one() -> None:
    wide, narrow = _builder(), _builder(kind=CompactPlainStream)
    seen = []
    for features in _noisy(wide, 300):
        narrow.add(wide._times[-1], features, PICTURE)
        seen.append(features[0].vectors[0])
    assert all(part.vectors.dtype == np.float16 for frame in narrow._frames for part in frame)
    assert narrow._kept_bytes < wide._kept_bytes
    bank = narrow.build(["a.mp4"])
    exemplars = bank.streams[0].vectors
    assert exemplars.dtype == np.float32
    apart = np.abs(exemplars.reshape(-1, 1, DIM) - np.array(seen)).max(axis=2)
    assert apart.min(axis=1).max() < 1e-3


# Groups and neighbours ------------------------------------------------------------------------------------------


def _learnt(builder: BankBuilder, frames: int = 300) -> Bank:
    for _ in _noisy(builder, frames):
        pass
    return builder.build(["a.mp4"])


def test_a_stream_s_neighbours_are_those_of_its_bank() -> None:
    assert [stream.neighbours for stream in _learnt(_builder(kind=AveragingPlainStream)).streams] == [3, 3]
    assert [stream.neighbours for stream in _learnt(_builder()).streams] == [1, 1]


def test_a_bank_has_a_scale_of_each_group_in_their_order() -> None:
    bank = _learnt(_builder(GROUPED))
    assert len(bank.groups) == 2
    found = loudest(bank.groups, group_means(GROUPED.groups, [0.7, 0.3, 0.6], [9.0, 0.3, 9.0]))
    assert found is not None
    assert found.group == 0


def test_a_group_without_weight_or_evidence_hinders_no_bank() -> None:
    weightless = replace(
        GROUPED, streams=tuple(replace(spec, weight=0.0 if spec.group == "thing" else 1.0) for spec in GROUPED.streams)
    )
    bank = _learnt(_builder(weightless))
    assert loudest(bank.groups, group_means(GROUPED.groups, [0.0, 1.0, 0.0], [9.0, 0.3, 9.0])).group == 1  # type: ignore[union-attr]
    builder = _builder(GROUPED)
    for n in range(300):
        nothing = Features.none(6)
        builder.add(n / 5, (nothing, features_at(5.0, noise=NOISE), nothing), PICTURE)
    silent = builder.build(["empty.mp4"])
    assert 0 < silent.rule.on < 1
