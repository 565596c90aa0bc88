"""Whether sharp things come and go in a picture that is otherwise plain, which rules out a covered lens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.frames.stored_numbers import stored_time
from models.tampering.judged_cells import CELLS
from models.tampering.signature import PictureSignature, levels

_SHARP, _SHARPER = 2.0, 0.6  # times the cell's own plain level, and grey levels above it
_LOCAL = 12  # sharp cells of 48 at most: what shows in more is a hand, a burst of noise, or the cover being lifted
_VISITS = 3  # to a cell, from plain to sharp to plain again
_LEAST_CELLS = 6  # visited so: neither a clock in the picture nor an insect before the lens
_LASTS_S = 60.0  # from the first visit to the last
_PLAIN_S, _PARKED_S = 10.0, 60.0  # in which a cell's plain level follows a plain cell, and a sharp one


class Glimpses:
    """Follows a covered picture from its beginning. Its `state` after a picture is all that the next one needs."""

    def __init__(self) -> None:
        self._plain: NDArray[np.float32] | None = None
        self._sharp: NDArray[np.bool_] = np.zeros(CELLS, np.bool_)
        self._visiting: NDArray[np.bool_] = np.zeros(CELLS, np.bool_)
        self._visits: NDArray[np.int64] = np.zeros(CELLS, np.int64)
        self._first_s: float | None = None

    def observe(self, signature: PictureSignature, at_s: float, elapsed_s: float) -> bool:
        """Take a picture; whether it shows by now that the lens sees, as something just came and went again."""
        if self._plain is None:
            self._plain = signature.sharpness
        sharp = signature.sharpness > np.maximum(_SHARP * self._plain, self._plain + _SHARPER)
        over = self._visit(sharp, at_s)
        share = np.where(sharp, elapsed_s / _PARKED_S, elapsed_s / _PLAIN_S).clip(0.0, 1.0)
        self._plain = (self._plain + share * (signature.sharpness - self._plain)).astype(np.float32)
        often = self._visits >= _VISITS
        lasted = self._first_s is not None and at_s - self._first_s >= _LASTS_S
        return lasted and bool((over & often).any()) and int(often.sum()) >= _LEAST_CELLS

    def _visit(self, sharp: NDArray[np.bool_], at_s: float) -> NDArray[np.bool_]:
        """Returns the cells in which a visit is over."""
        local = int(sharp.sum()) <= _LOCAL
        over = self._visiting & ~sharp & local
        self._visits = np.minimum(self._visits + over, _VISITS)
        self._visiting = ((self._visiting & sharp) | (sharp & ~self._sharp)) & local
        self._first_s = at_s if self._first_s is None and over.any() else self._first_s
        self._sharp = sharp
        return np.asarray(over, np.bool_)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "plain": None if self._plain is None else self._plain.ravel().tolist(),
            "sharp": self._sharp.ravel().astype(int).tolist(),
            "visiting": self._visiting.ravel().astype(int).tolist(),
            "visits": self._visits.ravel().tolist(),
            "first_s": self._first_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        plain, first_s = state["plain"], state["first_s"]
        visits = np.asarray(state["visits"], np.int64).reshape(CELLS)
        if not ((visits >= 0) & (visits <= _VISITS)).all():
            raise ValueError("visits out of bounds")
        self._plain = None if plain is None else levels(np.asarray(plain, np.float64), CELLS)
        self._sharp = np.asarray(state["sharp"], np.bool_).reshape(CELLS)
        self._visiting = np.asarray(state["visiting"], np.bool_).reshape(CELLS)
        self._visits, self._first_s = visits, None if first_s is None else stored_time(first_s)
