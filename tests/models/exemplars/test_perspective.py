"""How high things usually stand, by where their feet are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exemplars.perspective import Perspective

PERSON, CAR = 1.0, 2.0


def sizes(count: int, slope: float, intercept: float, kind: float = PERSON, seed: int = 1) -> np.ndarray:
    feet = np.random.default_rng(seed).uniform(0.2, 0.6, count)
    return np.stack([feet, slope * feet + intercept, np.full(count, kind)], axis=1).astype(np.float32)


def usual(perspective: Perspective, foot: float) -> float:
    """Of something one unit fast for its own height, a height that is 1 long side."""
    [[measured]] = perspective.by_usual_height(np.array([[1.0, foot, 1.0, 0.0]], np.float32))
    return 1.0 / float(measured)


@given(st.floats(0.05, 0.5), st.floats(0.01, 0.2))
def test_the_line_is_found_although_some_are_half_hidden(slope: float, intercept: float) -> None:
    seen = sizes(400, slope, intercept)
    seen[::8, 1] *= 0.5
    result = Perspective.fit(seen)
    for foot in (0.2, 0.4, 0.6):
        assert usual(result, foot) == pytest.approx(slope * foot + intercept, rel=0.15)


def test_the_commonest_kind_decides_and_what_has_none_is_left_out() -> None:
    seen = np.concatenate([sizes(100, 0.3, 0.0), sizes(60, 0.9, 0.0, CAR), sizes(900, 0.1, 0.0, kind=0.0)])
    assert usual(Perspective.fit(seen), 0.5) == pytest.approx(0.15, rel=0.01)


def test_height_goes_on_beyond_where_things_were_seen_but_never_to_nothing() -> None:
    result = Perspective.fit(sizes(100, 0.3, -0.03))
    assert usual(result, 0.9) == pytest.approx(0.24, rel=0.01)
    assert usual(result, 0.0) > 0.01


@pytest.mark.parametrize("seen", [sizes(49, 0.3, 0.0), sizes(200, 0.3, -0.06), np.zeros((0, 3), np.float32)])
def test_what_tells_nothing_leaves_everything_its_own_measure(seen: np.ndarray) -> None:
    vectors = np.array([[1.5, -2.0, 0.4, 0.1, 1.0]], np.float32)
    np.testing.assert_array_equal(Perspective.fit(seen).by_usual_height(vectors), [[1.5, -2.0]])


def test_feet_at_one_height_give_one_height() -> None:
    seen = np.tile(np.array([[0.5, 0.2, PERSON], [0.5, 0.22, PERSON], [0.5, 0.24, PERSON]], np.float32), (30, 1))
    result = Perspective.fit(seen)
    assert usual(result, 0.1) == usual(result, 0.9) == pytest.approx(0.22)


def test_half_of_somebody_is_as_fast_as_all_of_them() -> None:
    result = Perspective.fit(sizes(100, 0.4, 0.0))
    whole = [0.5, 0.5, 0.2, PERSON]  # half a height a second; foot at 0.5, 0.2 high
    half = [1.0, 0.5, 0.1, 0.0]
    measured = result.by_usual_height(np.array([whole, half], np.float32))
    np.testing.assert_allclose(measured, [[0.5], [0.5]], rtol=0.01)


@pytest.mark.parametrize("line", [np.zeros(2), np.array([1.0, np.nan, 0.1])])
def test_anything_else_is_no_perspective(line: np.ndarray) -> None:
    with pytest.raises(ValueError, match="perspective"):
        Perspective(line)
