"""Streams that have nothing to say are neutral in one fusion and zero in the seed method's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.profiles.fusion import CausalGaussian, driver, fuse
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


steps = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=60)


def closed_form(samples: list[tuple[float, float]], at_s: float, sigma_s: float) -> float:
    near = [(then, value) for then, value in samples if at_s - 4 * sigma_s <= then <= at_s]
    weights = [math.exp(-((at_s - then) ** 2) / (2 * sigma_s**2)) for then, _ in near]
    return sum(w * value for w, (_, value) in zip(weights, near, strict=True)) / sum(weights)


def timeline(parts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    at_s, samples = 0.0, []
    for step, value in parts:
        at_s += step
        samples.append((at_s, value))
    return samples


@given(steps, st.floats(0.05, 3))
def test_every_output_is_the_kernel_mean_of_the_past(parts: list[tuple[float, float]], sigma_s: float) -> None:
    smoothing, samples = CausalGaussian(sigma_s), timeline(parts)
    for n, (at_s, value) in enumerate(samples):
        assert smoothing.add(at_s, value) == pytest.approx(closed_form(samples[: n + 1], at_s, sigma_s), abs=1e-9)


@given(steps, st.integers(0, 59))
def test_a_restored_state_goes_on_exactly(parts: list[tuple[float, float]], cut: int) -> None:
    samples = timeline(parts)
    whole, first, second = CausalGaussian(), CausalGaussian(), CausalGaussian()
    expected = [whole.add(*sample) for sample in samples]
    got = [first.add(*sample) for sample in samples[:cut]]
    second.restore(first.samples)
    assert got + [second.add(*sample) for sample in samples[cut:]] == expected


def test_the_state_stays_small_at_25_frames_a_second() -> None:
    smoothing = CausalGaussian()
    for n in range(10_000):
        smoothing.add(n / 25, 0.5)
    assert len(smoothing.samples) <= 4 * 0.68 * 25 + 2


def test_an_old_peak_is_forgotten_after_a_gap() -> None:
    smoothing = CausalGaussian()
    smoothing.add(0.0, 1.0)
    assert smoothing.add(60.0, 0.1) == pytest.approx(0.1)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        CausalGaussian().add(0.0, float("nan"))


def test_a_clock_that_was_set_back_leaves_no_samples_of_the_future() -> None:
    smoothing = CausalGaussian()
    for n in range(10):
        smoothing.add(3600.0 + n, 1.0)
    assert smoothing.add(0.0, 0.2) == 0.2
    assert smoothing.samples == [(0.0, 0.2)]
