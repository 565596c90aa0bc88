"""Exemplars in few bytes are the same to the bit, and what is no table is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.exemplars.vector_table import VectorTable


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def drawn(step: float | None) -> np.ndarray:
    """Three seeds that drew from the same 40 vectors; multiples of a step, or any numbers."""
    generator = np.random.default_rng(3)
    pool = generator.normal(size=(40, 8)).astype(np.float32)
    pool = pool if step is None else np.rint(pool / step) * np.float32(step)
    return np.asarray(pool[generator.integers(40, size=(3, 5, 20))], np.float32)


@pytest.mark.parametrize(("step", "dtype"), [(2.0**-6, np.float16), (None, np.float32)])
def test_nothing_is_lost_and_much_is_saved(step: float | None, dtype: type) -> None:
    vectors = drawn(step)
    stored = VectorTable.of(vectors)
    assert stored.table.dtype == dtype
    assert stored.table.nbytes + stored.rows.nbytes < vectors.nbytes / 5
    assert same(stored.vectors(), vectors)


@pytest.mark.parametrize("odd", [-0.0, 70_000.0, np.inf, np.nan, 1e-8])
def test_odd_numbers_stay_as_they_are(odd: float) -> None:
    vectors = drawn(2.0**-6)
    vectors[1, 2, 3, 4] = odd
    assert same(VectorTable.of(vectors).vectors(), vectors)


def test_no_exemplars_are_none() -> None:
    vectors = np.zeros((3, 1, 0, 8), np.float32)
    assert VectorTable.of(vectors).vectors().shape == vectors.shape


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (np.zeros((2, 8), np.float16), np.full((3, 1, 4), 2, np.uint8)),
        (np.zeros((2, 8), np.float64), np.zeros((3, 1, 4), np.uint8)),
        (np.zeros(8, np.float16), np.zeros((3, 1, 4), np.uint8)),
        (np.zeros((2, 8), np.float16), np.zeros((3, 4), np.uint8)),
        (np.zeros((2, 8), np.float16), np.zeros((3, 1, 4), np.int8)),
        (np.zeros((1, 2**20), np.float16), np.zeros((3, 1, 2**10), np.uint8)),
    ],
)
def test_what_is_no_table_is_refused(table: np.ndarray, rows: np.ndarray) -> None:
    with pytest.raises((ValueError, IndexError)):
        VectorTable(table, rows).vectors()
