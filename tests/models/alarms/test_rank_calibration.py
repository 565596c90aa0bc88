"""What was seldom or never there in normal footage is as rare as its absence was frequent, and no rarer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.calibration import Calibration
from models.alarms.rank_calibration import RankCalibration, calibration_of

values = st.lists(st.floats(0, 1e6) | st.just(math.inf), max_size=19)


@given(values, st.integers(19, 20_000), st.floats(0, 2e6), st.floats(0, 2e6))
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
