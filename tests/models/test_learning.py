"""A bank is learnt from enough normal footage, calibrated on what it was not built from, and refuses too little."""

from __future__ import annotations

import numpy as np
import pytest
from plain_stream import features_at

from models.bank import Bank, frame_distance
from models.learning import Learner
from patchwatch.errors import InsufficientFootageError


def test_a_bank_holds_exemplars_of_every_stream_and_seed(bank: Bank) -> None:
    assert [part.vectors.shape[0] for part in bank.streams] == [3, 3]
    assert bank.footage.frames == 500
    assert bank.footage.seconds == pytest.approx(99.8)
    assert bank.footage.vectors == {"local": 666, "global": 500}


def test_seeds_draw_different_exemplars(bank: Bank) -> None:
    first, second, _ = bank.streams[0].vectors
    assert not np.array_equal(first, second)


def test_calibration_is_on_held_out_frames_not_on_exemplars(bank: Bank) -> None:
    noise = np.random.default_rng(99)
    fresh = [frame_distance(bank.streams[1], features_at(5.0, noise=noise)) for _ in range(300)]
    rarities = [bank.calibrations[1].rarity(part.value) for part in fresh if part]
    # log10(2) = 0.30 is ideal; held-out banks are a fifth smaller, so fresh frames look a little calmer than they are
    assert 0.1 < float(np.median(rarities)) < 0.35


def test_thresholds_lie_above_what_normal_footage_reached(bank: Bank) -> None:
    assert 0 < bank.rule.off < bank.rule.on < 1


def test_twenty_seconds_are_needed(learner: Learner) -> None:
    noise = np.random.default_rng(1)
    for n in range(99):
        learner.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)))
    with pytest.raises(
        InsufficientFootageError, match=r"19\.6 s of normal footage \(99 analysed frames\) is too little"
    ):
        learner.build(["short.mp4"])


def test_a_stream_that_saw_nothing_is_named(learner: Learner) -> None:
    noise = np.random.default_rng(1)
    for n in range(400):
        learner.add(n / 5, (features_at(noise=noise), features_at(5.0, noise=noise)))
    with pytest.raises(InsufficientFootageError, match="'local'"):
        learner.build(["empty.mp4"])


def test_memory_is_bounded_by_thinning(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.learning.MAX_FRAMES", 300)
    noise = np.random.default_rng(1)
    for n in range(1000):
        learner.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)))
    bank = learner.build(["long.mp4"])
    assert (bank.footage.frames, bank.footage.thinned) == (1000, 4)
