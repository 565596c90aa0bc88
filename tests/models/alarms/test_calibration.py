"""Rarity rises with distance, means what it says in the body, and goes on in the tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.alarms.calibration import NEUTRAL_RARITY, Calibration, score_of
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
