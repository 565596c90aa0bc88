"""The tail goes on beyond what was seen, as surely as it was seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from models.alarms.gpd_tail import GpdTail


def drawn(shape: float, count: int, seed: int = 1) -> np.ndarray:
    values = 1.0 + genpareto.rvs(shape, scale=0.2, size=count, random_state=seed)
    return np.append(np.sort(values)[::-1], 1.0)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_many_values_give_back_the_tail_they_were_drawn_from(shape: float) -> None:
    tail = GpdTail.fit(drawn(shape, 3000))
    assert (tail.start, tail.events) == (1.0, 3000)
    assert float(tail.weights @ tail.shapes) == pytest.approx(shape, abs=0.1)
    value = 1.0 + genpareto.isf(1e-3, shape, scale=0.2)
    shares, weights = tail.survival(value)
    assert 0.3e-3 < float(weights @ shares) < 3e-3


def test_few_values_leave_a_wide_spread_of_tails() -> None:
    def spread(count: int) -> float:
        shares, weights = (tail := GpdTail.fit(drawn(0.0, count))).survival(tail.start + 1.0)
        logs = np.log10(shares)
        return float(np.sqrt(weights @ logs**2 - (weights @ logs) ** 2))

    assert spread(4) > 2 * spread(40) > 4 * spread(400)


@given(st.lists(st.floats(0, 10), max_size=30), st.floats(0, 20), st.floats(0, 20))
def test_the_share_above_a_value_falls_from_one(values: list[float], first: float, second: float) -> None:
    tail = GpdTail.fit(np.sort(np.array(values, np.float64))[::-1])
    low, high = sorted((tail.start + first, tail.start + second))
    above_low, above_high = tail.survival(low)[0], tail.survival(high)[0]
    assert (above_high <= above_low).all()
    assert (above_low <= 1).all()
    assert tail.survival(tail.start)[0] == pytest.approx(np.ones(len(tail.weights)))
    assert tail.weights.sum() == pytest.approx(1.0)
