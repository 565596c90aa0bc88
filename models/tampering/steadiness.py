"""How a picture differs from those before: not at all (frozen), because it shakes, or because bars of light roll."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.tampering.signature import CELLS, GRID, cell_means, gradients

_STRUCTURED = 1.0  # mean square gradient of a cell, across and down, from which its displacement can be measured
_LEAST_CELLS = 5
_AGREE = 0.5  # share of such cells that move alike
_APART = 0.1  # points of the grid by which those may differ
_SHAKES = 0.05  # points between two pictures: one of 640 across
_BARS = 0.02  # of the light, between two pictures: of the rows
_ROUGH = 0.5  # of that, what is left within the rows
_OFTEN = 0.3  # share of the pictures, lately
_AVERAGED_S = 2.0
_MOST_OF_ONE = 0.1  # share that one picture counts for: of those that come seldom, ten count, however long that is
_DARK = 8.0  # grey levels added before light is compared
_REMEMBERED = 8  # a frozen picture that is encoded again with each key frame goes through a few versions, over and over
_WHOLE = CELLS[0] * CELLS[1]
_OVERLAY = _WHOLE // 3  # cells: what an encoder changes for a clock, and around it; of a live picture, all change


@dataclass(frozen=True)
class Unsteady:
    """``now``: the picture moved or was barred as a whole, against the one before; the others: that was often so
    lately."""

    now: bool = False
    shakes: bool = False
    flickers: bool = False


class Steadiness:
    """Compares coarse pictures, float32 (18, 32), with the usual one. Its `state` is all that the next one needs."""

    def __init__(self) -> None:
        self._place: tuple[float, float] | None = None  # of the last picture, in points of the grid
        self._light: NDArray[np.float32] | None = None  # its logarithm, of each point, against the usual
        self._shaken = self._barred = 0.0  # share of the pictures, lately

    def observe(self, grey: NDArray[np.float32], background: NDArray[np.float32] | None, elapsed_s: float) -> Unsteady:
        """Take a picture; without a usual one, nothing is said."""
        before, lit = self._place, self._light
        if background is None:
            self._place = self._light = None
            self._shaken = self._barred = 0.0
            return Unsteady()
        self._place = _displacement(grey, background)
        self._light = np.log((grey + _DARK) / (background + _DARK)).astype(np.float16).astype(np.float32)
        barred = lit is not None and _rolls(self._light - lit)
        moved = not barred and before is not None and self._place is not None
        shaken = moved and math.dist(before or (0.0, 0.0), self._place or (0.0, 0.0)) >= _SHAKES
        share = min(_MOST_OF_ONE, 1.0 - math.exp(-elapsed_s / _AVERAGED_S))
        self._shaken += share * (float(shaken) - self._shaken)
        self._barred += share * (float(barred) - self._barred)
        return Unsteady(shaken or barred, self._shaken >= _OFTEN, self._barred >= _OFTEN)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        light = None if self._light is None else b64encode(self._light.astype(np.float16).tobytes()).decode()
        return {"place": self._place, "light": light, "shares": [self._shaken, self._barred]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        place, light, (shaken, barred) = state["place"], state["light"], state["shares"]
        levels = None if light is None else np.frombuffer(b64decode(light), np.float16).astype(np.float32).reshape(GRID)
        if levels is not None and not (np.abs(levels) < 10).all():
            raise ValueError("light out of bounds")
        if not (0.0 <= shaken <= 1.0 and 0.0 <= barred <= 1.0):
            raise ValueError(f"shares of {state['shares']} are out of bounds")
        self._place = None if place is None else (float(place[0]), float(place[1]))
        self._light, self._shaken, self._barred = levels, float(shaken), float(barred)


def _displacement(grey: NDArray[np.float32], background: NDArray[np.float32]) -> tuple[float, float] | None:
    """By how much the picture is moved, where most of its cells agree; None where they do not, or show too little.

    Least squares in each cell (Lucas and Kanade, 1981), then the median: what moves in the scene is outvoted.
    """
    across, down = gradients(background)
    change = grey - background
    change -= np.kron(cell_means(change), np.ones((3, 4), np.float32))
    xx, xy, yy = cell_means(across * across), cell_means(across * down), cell_means(down * down)
    xt, yt = cell_means(across * change), cell_means(down * change)
    counted = (xx > _STRUCTURED) & (yy > _STRUCTURED) & (xx * yy - xy * xy > 0.3 * xx * yy)
    if int(counted.sum()) < _LEAST_CELLS:
        return None
    spread = (xx * yy - xy * xy)[counted]
    x = ((xy * yt - yy * xt)[counted]) / spread
    y = ((xy * xt - xx * yt)[counted]) / spread
    place = float(np.median(x)), float(np.median(y))
    near = np.hypot(x - place[0], y - place[1]) <= _APART + 0.5 * math.hypot(*place)
    return place if float(near.mean()) >= _AGREE else None


def _rolls(change: NDArray[np.float32]) -> bool:
    """Whether most of what changed is alike within each row, and differs between rows: a sensor is read row by row."""
    rows = np.median(change, axis=1)
    rows = rows - np.polyval(np.polyfit(np.arange(len(rows)), rows, 2), np.arange(len(rows)))  # the sun's own gradients
    rest = float(np.median(np.abs(change - np.median(change, axis=1)[:, None])))
    bars = float(np.median(np.abs(rows - np.median(rows))))
    return bars >= _BARS and rest <= _ROUGH * bars


class FreezeDetector:
    """Compares exactly, cell by cell: the noise of a sensor makes each picture another one, however little happens in
    the scene. What is written over a part of the picture may go on changing."""

    def __init__(self) -> None:
        self._seen = np.zeros((_WHOLE, _REMEMBERED), np.uint32)
        self._next = np.zeros(_WHOLE, np.uint8)  # where each cell's next digest goes
        self._touched = np.zeros(CELLS, np.bool_)  # new since the picture stands still

    def repeats(self, digests: NDArray[np.uint32]) -> bool:
        """Whether the picture shows what it lately showed, but for an overlay. ``digests``: uint32 (48,)."""
        new = ~(self._seen == digests[:, None]).any(axis=1)
        cells = np.nonzero(new)[0]
        self._seen[cells, self._next[cells]] = digests[cells]
        self._next[cells] = (self._next[cells] + 1) % _REMEMBERED
        touched = self._touched | new.reshape(CELLS)
        if int(touched.sum()) <= _OVERLAY:
            self._touched = touched
            return True
        self._touched = np.zeros(CELLS, np.bool_)
        return False

    def state(self) -> list[str]:
        """JSON values that `restore` takes."""
        return [b64encode(part.tobytes()).decode() for part in (self._seen, self._next, self._touched)]

    def restore(self, state: list[Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        seen, following, touched = (b64decode(part) for part in state)
        places = np.frombuffer(following, np.uint8).reshape(_WHOLE).copy()
        if (places >= _REMEMBERED).any():
            raise ValueError("digests out of bounds")
        self._seen = np.frombuffer(seen, np.uint32).reshape(_WHOLE, _REMEMBERED).copy()
        self._touched = np.frombuffer(touched, np.bool_).reshape(CELLS).copy()
        self._next = places
