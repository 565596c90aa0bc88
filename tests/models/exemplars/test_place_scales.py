"""What counts as far depends on what is usual at a place, beside it, and in the whole picture."""

from __future__ import annotations

import numpy as np
import pytest

from models.exemplars.place_scales import place_scales

ROWS, COLUMNS = 4, 6
ALL = np.arange(ROWS * COLUMNS, dtype=np.int32)
LEAST = 1e-3


def _scales(usual: np.ndarray) -> np.ndarray:
    """Distances of each place are uniform up to its usual value."""
    distances = np.linspace(0.0, 1.0, 1001)[:, None] * usual.ravel()[None]
    return place_scales(distances.astype(np.float32), ALL, (ROWS, COLUMNS), LEAST).reshape(ROWS, COLUMNS)


def test_where_all_places_are_alike_a_scale_is_twice_their_high_quantile() -> None:
    scales = _scales(np.full((ROWS, COLUMNS), 2.0))
    assert scales.dtype == np.float32
    np.testing.assert_allclose(scales, 2 * 0.99 * 2.0, rtol=1e-3)


def test_a_busy_place_raises_its_own_scale_and_its_neighbours_a_third_each_way() -> None:
    usual = np.ones((ROWS, COLUMNS))
    usual[1, 2] = 10.0
    scales = _scales(usual)
    raised = scales - scales[3, 5]
    assert raised[:3, 1:4] == pytest.approx(np.full((3, 3), 0.99), rel=0.01)  # 9 over nine places
    raised[:3, 1:4] = 0.0
    assert np.abs(raised).max() < 1e-5


def test_one_strange_frame_in_a_thousand_moves_no_scale() -> None:
    distances = np.full((1000, ROWS * COLUMNS), 1.0, np.float32)
    distances[17] = 500.0
    assert place_scales(distances, ALL, (ROWS, COLUMNS), LEAST) == pytest.approx(np.full(ROWS * COLUMNS, 2.0))


def test_a_picture_that_never_changes_has_the_least_scale() -> None:
    still = np.zeros((30, ROWS * COLUMNS), np.float32)
    assert place_scales(still, ALL, (ROWS, COLUMNS), LEAST).tolist() == [pytest.approx(LEAST)] * ROWS * COLUMNS
