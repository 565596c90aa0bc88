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
from models.banks.bank_builder import FOLDS, MIN_FRAMES, BankBuilder
from models.banks.group_scale import loudest
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
    fold_of = _fed(frames, fps)._fold_of_frames()
    assert len(fold_of) == frames
    assert sorted(set(fold_of.tolist())) == list(range(int(fold_of.max()) + 1))
    assert 2 <= int(fold_of.max()) + 1 <= FOLDS
    counts = np.bincount(fold_of)
    assert counts.min() >= frames // (2 * len(counts))


def test_blocks_last_20_s_and_folds_take_turns() -> None:
    blocks = _blocks(_fed(1501)._fold_of_frames())
    assert [fold for fold, _ in blocks] == [n % FOLDS for n in range(15)]
    assert all(99 <= frames <= 101 for _, frames in blocks)


def test_blocks_of_long_footage_are_no_more_than_20() -> None:
    blocks = _blocks(_fed(6001, 1.0)._fold_of_frames())
    assert [fold for fold, _ in blocks] == [n % FOLDS for n in range(20)]


@pytest.mark.parametrize(("frames", "folds"), [(26, 2), (60, 3), (99, 4), (101, 5), (400, 5)])
def test_short_footage_is_cut_into_as_many_blocks_as_folds(frames: int, folds: int) -> None:
    assert [fold for fold, _ in _blocks(_fed(frames)._fold_of_frames())] == list(range(folds))


def test_a_frame_is_measured_against_the_bank_without_its_fold() -> None:
    """What was there once, for less than a block, is unknown to the bank that it is held out from."""
    builder = _builder()
    for n in range(500):
        builder.add(n / 5, (features_at(9.0 if 210 <= n < 220 else 0.0, noise=NOISE), PLAIN[1]), PICTURE)
    fold_of = builder._fold_of_frames()
    folds = [builder._draw(np.flatnonzero(fold_of != fold).tolist()) for fold in range(FOLDS)]
    held_out, _ = builder._hold_out(folds, fold_of)
    distances = np.array([part.distance.value for part in held_out[0] if part])
    assert (distances[210:220] > 10.0).all()
    assert np.delete(distances, range(210, 220)).max() < 2.0


def test_what_changes_in_the_course_of_the_footage_is_known_to_every_fold() -> None:
    """Noon is like one o'clock and five past: held out in one piece each part would be a stranger."""
    builder = _builder()
    for n in range(2000):
        builder.add(n / 5, (features_at(n / 200, noise=NOISE), PLAIN[1]), PICTURE)
    fold_of = builder._fold_of_frames()
    folds = [builder._draw(np.flatnonzero(fold_of != fold).tolist()) for fold in range(FOLDS)]
    held_out, _ = builder._hold_out(folds, fold_of)
    by_fold = [
        np.median([part.distance.value for part, of in zip(held_out[0], fold_of, strict=True) if part and of == fold])
        for fold in range(FOLDS)
    ]
    assert max(by_fold) < 2 * min(by_fold)


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
