"""Whether a camera still shows anything new, but for a clock that is written over its picture."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.tampering.signature import CELLS

_REMEMBERED = 8  # a frozen picture that is encoded again with each key frame goes through a few versions, over and over
_WHOLE = CELLS[0] * CELLS[1]
_OVERLAY = _WHOLE // 3  # cells: what an encoder changes for a clock, and around it; of a live picture, all change


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
