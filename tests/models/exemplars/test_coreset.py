"""Greedy k-center covers what it must, and is the plain algorithm."""

from __future__ import annotations

import numpy as np
import parts
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from models.exemplars.coreset import (
    covering_radius,
    draw_coreset,
    draw_random,
    greedy_k_center,
    greedy_k_center_sets,
)
from patchwatch.contract.errors import InsufficientFootageError


def plain(vectors: np.ndarray, count: int, first: int) -> list[int]:
    centres = [first]
    nearest = cdist(vectors, vectors[[first]])[:, 0]
    while len(centres) < count:
        centres.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, cdist(vectors, vectors[[centres[-1]]])[:, 0])
    return centres


@pytest.mark.parametrize("away", [10.0, 100.0])
def test_far_from_the_origin_rounding_chooses_no_centre(away: float) -> None:
    vectors = np.random.default_rng(0).normal(away, 0.1, size=(600, 64)).astype(np.float32)
    assert greedy_k_center(vectors, count=200, first=0).tolist() == plain(vectors, 200, 0)


@given(st.integers(0, 2**32 - 1), st.integers(2, 80), st.integers(1, 20))
def test_centres_are_those_of_the_plain_algorithm(seed: int, n: int, count: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    count = min(count, n)
    assert greedy_k_center(vectors, count=count, first=n // 2).tolist() == plain(vectors, count, n // 2)


def test_the_first_centre_is_kept_and_the_radius_falls() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
    centres = greedy_k_center(vectors, count=40, first=123)
    radii = [covering_radius(vectors, centres[:k]) for k in range(1, 41)]
    assert centres[0] == 123
    assert radii == sorted(radii, reverse=True)


def test_equal_vectors_are_never_drawn_twice() -> None:
    centres = greedy_k_center(np.ones((10, 3), np.float32), count=10, first=4)
    assert sorted(centres.tolist()) == list(range(10))


def test_the_cap_and_the_ratio_bound_the_coreset() -> None:
    vectors = np.random.default_rng(2).normal(size=(1000, 4)).astype(np.float32)
    drawn = draw_coreset(vectors, ratio=0.05, cap=200, seed=42)
    assert len(drawn) == len(set(drawn.tolist())) == 10
    assert drawn.tolist() == draw_coreset(vectors, ratio=0.05, cap=200, seed=42).tolist()
    assert drawn.tolist() != draw_coreset(vectors, ratio=0.05, cap=200, seed=123).tolist()


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(3).normal(size=(700, 6)).astype(np.float32)
    expected = greedy_k_center(vectors, count=30, first=0)
    monkeypatch.setattr("models.exemplars.coreset._CHUNK_ROWS", 64)
    assert greedy_k_center(vectors, count=30, first=0).tolist() == expected.tolist()


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(InsufficientFootageError):
        draw_coreset(np.zeros((0, 4), np.float32), ratio=0.1, cap=10, seed=1)


def test_torch_draws_the_same_centres() -> None:
    torch = parts.torch()
    device = "cuda" if torch.cuda.is_available() else "cpu:0"  # not the string "cpu", which means numpy
    vectors = np.random.default_rng(4).normal(size=(2000, 64)).astype(np.float32)
    here = greedy_k_center(vectors, count=50, first=7)
    assert greedy_k_center(vectors, count=50, first=7, device=device).tolist() == here.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 40), st.integers(1, 20))
def test_centres_of_many_sets_are_those_of_each_alone(seed: int, sets: int, n: int, count: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(sets, n, 5)).astype(np.float32)
    chosen = greedy_k_center_sets(vectors, count, n // 2)
    assert chosen.shape == (sets, count)
    for candidates, centres in zip(vectors, chosen.tolist(), strict=True):
        alone = plain(candidates, min(count, n), n // 2)
        assert centres[: len(alone)] == alone
        assert set(centres) <= set(range(n))


def test_a_set_of_few_different_vectors_repeats_them() -> None:
    twice = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    (chosen,) = greedy_k_center_sets(twice[None], 8, 5)
    assert {index // 4 for index in chosen.tolist()[:3]} == {0, 1, 2}
    assert len(chosen) == 8


def test_a_random_draw_is_a_seeded_sample_in_order_without_repeats() -> None:
    drawn = draw_random(1000, 100, 42)
    assert len(np.unique(drawn)) == 100
    assert (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(drawn, draw_random(1000, 100, 42))
    assert not np.array_equal(drawn, draw_random(1000, 100, 123))
    assert draw_random(30, 100, 42).tolist() == list(range(30))
    with pytest.raises(InsufficientFootageError):
        draw_random(0, 100, 42)


def test_a_random_draw_keeps_the_share_of_rare_but_ordinary_members_and_centres_do_not() -> None:
    rng = np.random.default_rng(4)
    rare = np.arange(2000) % 20 == 0
    vectors = np.where(rare[:, None], rng.normal(0, 5, (2000, 4)), rng.normal(0, 0.1, (2000, 4))).astype(np.float32)
    shares = [rare[draw_random(2000, 200, seed)].mean() for seed in range(10)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01)
    assert rare[greedy_k_center(vectors, count=200, first=0)].mean() > 0.4
