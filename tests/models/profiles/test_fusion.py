"""Streams that have nothing to say are neutral in one fusion and zero in the seed method's."""

from __future__ import annotations

import pytest

from models.profiles.fusion import driver, fuse
from models.profiles.profile import Fusion

WEIGHTS = [0.7, 0.3]


def test_calibrated_fusion_is_the_weighted_mean_of_rarities() -> None:
    assert fuse(Fusion.CALIBRATED, WEIGHTS, [9.0, 9.0], [2.0, 1.0]) == pytest.approx(1.7)


def test_a_frame_without_persons_is_judged_by_the_rest() -> None:
    assert fuse(Fusion.CALIBRATED, WEIGHTS, [None, 9.0], [None, 1.5]) == pytest.approx(1.5)


def test_silence_of_all_streams_is_not_a_value() -> None:
    assert fuse(Fusion.CALIBRATED, WEIGHTS, [None, None], [None, None]) is None
    assert driver(WEIGHTS, [None, None]) is None


def test_distance_fusion_counts_silence_as_zero() -> None:
    assert fuse(Fusion.DISTANCE, WEIGHTS, [None, 10.0], [None, 1.5]) == pytest.approx(3.0)


def test_the_driver_contributes_most() -> None:
    assert driver(WEIGHTS, [1.0, 2.0]) == 0
    assert driver(WEIGHTS, [0.5, 2.0]) == 1
