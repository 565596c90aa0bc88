"""The cells that a picture as a whole is judged by: none that is black for privacy, and none that is ignored."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.raster import raster
from models.frames.touched_pixels import Polygon, touched
from models.frames.view import ViewMask

CELLS = (6, 8)  # rows, columns
ALL_CELLS = np.ones(CELLS, np.bool_)
ALL_CELLS.flags.writeable = False
_COVERED = 0.25  # of a cell: the edge of a black part is a structure that stays whatever the camera shows
_LEAST = CELLS[0] * CELLS[1] // 3  # ignored cells are judged all the same where fewer would be left
_FINE = 16
FINE = (72, 128)  # rows, columns of the picture that detail is measured in


@dataclass(frozen=True)
class JudgedPart:
    """What of a picture is judged. ``cells``: bool (6, 8). ``blank``: bool (72, 128), what is black for privacy, with a
    point around it; None where nothing is."""

    cells: NDArray[np.bool_]
    blank: NDArray[np.bool_] | None = None

    @classmethod
    def from_mask(cls, mask: ViewMask) -> JudgedPart:
        if not mask.view.hidden:
            return cls(judged_cells(mask))
        rows, columns = FINE
        return cls(judged_cells(mask), touched(mask.view.hidden, columns, rows, margin_px=1).astype(np.bool_))


WHOLE_PICTURE = JudgedPart(ALL_CELLS)


def judged_cells(mask: ViewMask) -> NDArray[np.bool_]:
    """Bool (6, 8). Watched parts make no difference: that the camera was moved shows everywhere."""
    view = mask.view
    if not (view.hidden or view.ignored):
        return ALL_CELLS
    seen = _covered(view.hidden) <= _COVERED
    regarded = seen & (_covered(view.ignored) <= _COVERED)
    return regarded if int(regarded.sum()) >= _LEAST else seen


def _covered(polygons: tuple[Polygon, ...]) -> NDArray[np.float32]:
    rows, columns = CELLS
    fine = raster(polygons, _FINE * columns, _FINE * rows).astype(np.float32)
    return np.asarray(cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
