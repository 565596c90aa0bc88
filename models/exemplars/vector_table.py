"""The exemplars of all seeds in few bytes, and back to the bit: each different vector once, in half precision where
nothing is lost by that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 2**31  # of the vectors of one stream


@dataclass(frozen=True)
class VectorTable:
    """``table``: float16 or float32 (n, dim), the different vectors. ``rows``: unsigned (seeds, groups, exemplars), the
    row of each exemplar."""

    table: NDArray[np.floating[Any]]
    rows: NDArray[np.unsignedinteger[Any]]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> VectorTable:
        """``vectors``: float32 (seeds, groups, exemplars, dim)."""
        dim = vectors.shape[-1]
        flat = np.ascontiguousarray(vectors).reshape(-1, dim)
        as_bytes = flat.view(np.dtype((np.void, flat.itemsize * dim))).ravel()  # 0.0 and -0.0 differ
        _, first, rows = np.unique(as_bytes, return_index=True, return_inverse=True)
        table = _as_small_as_exact(flat[first])
        return cls(table, rows.reshape(vectors.shape[:-1]).astype(np.min_scalar_type(max(0, len(table) - 1))))

    def vectors(self) -> NDArray[np.float32]:
        """Inverse of `of`. Raises ValueError or IndexError for arrays that are not such a table."""
        if self.table.ndim != 2 or self.rows.ndim != 3 or self.rows.dtype.kind != "u":
            raise ValueError(f"tables of shapes {self.table.shape}, {self.rows.shape} hold no exemplars")
        if self.table.dtype not in (np.float16, np.float32):
            raise ValueError(f"exemplars are no {self.table.dtype}")
        if self.rows.size * self.table.shape[1] * 4 > _MOST_BYTES:
            raise ValueError(f"{self.rows.size} exemplars of {self.table.shape[1]} numbers are too many")
        return np.asarray(self.table.astype(np.float32)[self.rows], np.float32)


def _as_small_as_exact(vectors: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """In half precision if that is the same to the bit: so are vectors that were remembered in it."""
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    same = np.array_equal(halves.astype(np.float32).view(np.uint32), vectors.view(np.uint32))
    return halves if same else vectors
