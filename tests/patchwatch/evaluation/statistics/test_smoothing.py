"""Two-sided smoothing and normalisation over the set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.profiles.fusion import CausalGaussian
from patchwatch.evaluation.statistics.smoothing import normalise_over_set, smooth_two_sided


def test_an_impulse_spreads_to_both_sides_alike() -> None:
    at_s = np.arange(21) / 5
    values = np.zeros(21)
    values[10] = 1.0
    result = smooth_two_sided(at_s, at_s, values)
    assert result[9] > 0.1  # before it happened: this looks into the future
    np.testing.assert_allclose(result, result[::-1], atol=1e-12)


def test_the_weights_are_gaussian() -> None:
    at_s = np.array([0.0, 0.68])
    result = smooth_two_sided(at_s, at_s, np.array([0.0, 1.0]))
    assert result[0] == pytest.approx(np.exp(-0.5) / (1 + np.exp(-0.5)))


@given(st.lists(st.floats(0, 10), min_size=2, max_size=30))
def test_at_the_last_sample_it_agrees_with_the_causal_kernel(values: list[float]) -> None:
    at_s = np.arange(len(values)) / 5
    causal = CausalGaussian()
    expected = [causal.add(t, value) for t, value in zip(at_s.tolist(), values, strict=True)]
    assert smooth_two_sided(at_s, at_s, np.array(values))[-1] == pytest.approx(expected[-1], abs=1e-9)


def test_far_from_every_sample_the_nearest_counts() -> None:
    result = smooth_two_sided(np.array([0.0, 50.0, 100.0]), np.array([49.0, 60.0]), np.array([1.0, 2.0]))
    assert result == pytest.approx([1.0, 1.0, 2.0])
    assert smooth_two_sided(np.array([0.0]), np.zeros(0), np.zeros(0)).tolist() == [0.0]


def test_the_set_is_normalised_together() -> None:
    result = normalise_over_set([np.array([2.0, 3.0]), np.array([4.0])])
    assert [one.tolist() for one in result] == [[0.0, 0.5], [1.0]]
    assert [one.tolist() for one in normalise_over_set([np.array([2.0, 2.0])])] == [[0.0, 0.0]]
