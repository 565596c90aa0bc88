"""Held-out frames are measured as frames are scored, and coverage of long footage on a part of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from plain_stream import DIM, features_at

from models.banks.bank import StreamBank, frame_distance
from models.banks.cross_validation import FoldDistances, HeldOutFrames, SmallerBank, cover
from models.frames.frame import Features

SIZE = (160, 90)


def normal(count: int, seed: int) -> StreamBank:
    return StreamBank(np.random.default_rng(seed).normal(scale=0.1, size=(3, 1, count, DIM)).astype(np.float32))


def hold_out(bank: StreamBank, frame: Features) -> HeldOutFrames | None:
    [held_out] = FoldDistances([bank], np.zeros(1, np.int64), [frame]).by([bank])
    return held_out


def test_a_held_out_frame_is_as_far_as_scoring_says() -> None:
    bank, frame = normal(40, 1), features_at(0.0, 0.5, noise=np.random.default_rng(2))
    result = hold_out(bank, frame)
    assert result is not None
    assert result.distance == frame_distance(bank, frame)
    assert result.vectors.shape == (2,)
    assert result.first_seed == pytest.approx(float(bank.distances(frame)[:, 0].max()))


@pytest.mark.parametrize("neighbours", [1, 3])
def test_many_frames_at_once_are_as_far_as_one_by_one(neighbours: int) -> None:
    random, groups = np.random.default_rng(7), 11
    scales = random.uniform(0.5, 2.0, groups).astype(np.float32)
    bank = StreamBank(random.normal(size=(3, groups, 9, DIM)).astype(np.float32), scales=scales, neighbours=neighbours)
    whole, part = np.arange(groups, dtype=np.int32), np.array([0, 3, 10], np.int32)
    frames = [in_groups(whole if n % 3 else part, random) for n in range(150)]
    frames[5] = Features.none(DIM)
    measured = FoldDistances([bank], np.zeros(len(frames), np.int64), frames).by([bank])
    assert [one is None for one in measured] == [n == 5 for n in range(150)]
    for frame, one in zip(frames, measured, strict=True):
        if one is not None:
            assert one.vectors == pytest.approx(bank.distances(frame).mean(axis=1), rel=1e-4)
            assert one.distance.value == pytest.approx(bank.distances(frame).max(axis=0).mean(), rel=1e-4)


def test_distances_are_told_in_whatever_scales() -> None:
    random = np.random.default_rng(8)
    bank = StreamBank(random.normal(size=(3, 4, 9, DIM)).astype(np.float32))
    frames = [in_groups(np.arange(4, dtype=np.int32), random) for _ in range(3)]
    distances = FoldDistances([bank], np.zeros(3, np.int64), frames)
    halved = replace(bank, scales=np.full(4, 2.0, np.float32))
    for one, half in zip(distances.by([bank]), distances.by([halved]), strict=True):
        assert one is not None
        assert half is not None
        assert half.vectors == pytest.approx(one.vectors / 2)


def in_groups(groups: NDArray[np.int32], random: np.random.Generator) -> Features:
    vectors = random.normal(size=(len(groups), DIM)).astype(np.float32)
    return Features(vectors, np.zeros((len(groups), 4), np.float32), groups)


def test_nothing_is_near_an_empty_bank_and_silence_is_no_distance() -> None:
    empty, noise = StreamBank(np.zeros((3, 1, 0, DIM), np.float32)), np.random.default_rng(2)
    result = hold_out(empty, features_at(0.0, 1.0, noise=noise))
    assert result is not None
    assert (result.distance.value, result.first_seed, result.vectors.tolist()) == (math.inf, math.inf, [math.inf] * 2)
    assert hold_out(empty, features_at(noise=noise)) is None


def test_a_part_of_long_footage_tells_what_all_of_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(3)
    frames = [features_at(0.0, noise=noise) for _ in range(900)]
    bank, held_out = normal(60, 4), [hold_out(normal(60, 5), frame) for frame in frames]
    smaller = [SmallerBank(0.6, normal(20, 6), np.arange(300, 900))]
    whole = cover("local", bank, frames, held_out, [SIZE] * 900, smaller)
    monkeypatch.setattr("models.banks.cross_validation._MOST_FRAMES", 300)
    part = cover("local", bank, frames, held_out, [SIZE] * 900, smaller)
    assert (part.spoke, part.vectors, part.exemplars) == (whole.spoke, whole.vectors, whole.exemplars) == (900, 900, 60)
    assert part.covered == pytest.approx(whole.covered, abs=0.1)
    assert part.curve[0].typical == pytest.approx(whole.curve[0].typical, rel=0.05)
    assert part.radius is not None
    assert whole.radius is not None
    assert part.radius <= whole.radius
