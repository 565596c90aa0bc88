"""Rarity rises with distance, means what it says in the body, and goes on in the tail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.alarms.calibration import NEUTRAL_RARITY, Calibration, RankCalibration, calibration_of, score_of
from patchwatch.contract.errors import InsufficientFootageError

values = arrays(np.float64, st.integers(20, 300), elements=st.floats(0, 1e4))


@given(values, st.floats(0, 2e4), st.floats(0, 2e4))
def test_rarity_never_falls_as_distance_rises(normal: np.ndarray, one: float, other: float) -> None:
    calibration = Calibration.fit(normal)
    low, high = sorted((one, other))
    assert 0 <= calibration.rarity(low) <= calibration.rarity(high)


@pytest.mark.parametrize(("share", "rarity"), [(0.5, 0.301), (0.9, 1.0), (0.99, 2.0), (0.999, 3.0)])
def test_rarity_is_the_exceedance_in_powers_of_ten(share: float, rarity: float) -> None:
    normal = np.random.default_rng(7).exponential(size=50_000)  # an exponential tail is extrapolated exactly
    assert Calibration.fit(normal).rarity(float(np.quantile(normal, share))) == pytest.approx(rarity, rel=0.05)


def test_equal_normal_values_make_any_larger_value_rare() -> None:
    calibration = Calibration.fit(np.full(50, 2.0))
    assert calibration.rarity(2.0) == pytest.approx(NEUTRAL_RARITY, abs=0.01)
    assert calibration.rarity(2.1) > 100


def test_the_score_keeps_far_outliers_in_order_below_one() -> None:
    assert 0 == score_of(0) < score_of(3) == 0.5 < score_of(1e3) < score_of(1e6) < 1


def test_too_few_values_are_refused() -> None:
    with pytest.raises(InsufficientFootageError, match="needs 20"):
        Calibration.fit(np.arange(19.0))


few_values = st.lists(st.floats(0, 1e6) | st.just(math.inf), max_size=19)


@given(few_values, st.integers(19, 20_000), st.floats(0, 2e6), st.floats(0, 2e6))
def test_rarity_rises_with_distance_between_presence_and_absence(
    known: list[float], frames: int, one: float, other: float
) -> None:
    calibration = calibration_of(np.array(known, np.float64), frames)
    low, high = sorted((one, other))
    least, most = -math.log10((len(known) + 1) / (frames + 1)), math.log10(frames + 1)
    assert least - 1e-9 <= calibration.rarity(low) <= calibration.rarity(high) <= most + 1e-9


def test_what_was_never_there_has_one_rarity_however_far_it_is() -> None:
    never = calibration_of(np.zeros(0), 999)
    assert never.rarity(0.0) == never.rarity(1e9) == pytest.approx(3.0)


def test_a_new_frame_like_the_others_exceeds_a_rarity_as_often_as_that_says() -> None:
    """The farthest of ten frames with a value, out of 100, and of one new: rarity 2 comes to at most one in 100."""
    generator = np.random.default_rng(4)
    hits = 0
    for _ in range(3000):
        everyone = np.where(generator.random(101) < 0.1, generator.random(101), np.nan)
        new, known = everyone[-1], everyone[:-1]
        calibration = RankCalibration(np.sort(known[~np.isnan(known)]), 100)
        hits += not math.isnan(new) and calibration.rarity(float(new)) >= 2.0
    assert 0.003 < hits / 3000 <= 0.016


def test_twenty_values_make_a_distribution_and_an_unknown_one_does_not() -> None:
    known = np.arange(20.0)
    assert isinstance(calibration_of(known, 100), Calibration)
    assert isinstance(calibration_of(known[:19], 100), RankCalibration)
    assert isinstance(calibration_of(np.append(known, math.inf), 100), RankCalibration)
    with pytest.raises(ValueError, match="numbers"):
        calibration_of(np.array([math.nan]), 100)
