"""What counts as far at each place of the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_QUANTILE = 0.99


def place_scales(
    distances: NDArray[np.float32], places: NDArray[np.int32], shape: tuple[int, int], least: float
) -> NDArray[np.float32]:
    """Positive scales, float32 (rows * columns,), from held-out normal ``distances`` (frames, n).

    ``places``: int32 (n,), which of the rows * columns places of the ``shape`` the distances are of; the others do not
    count, and get the scale of the whole picture with what lies beside them.

    A high quantile of a place's own distances, evened out over its neighbours, plus that of the whole picture. So a
    small change where nothing changes stands out from the noise of a busy place, and what is far away from what is
    near. ``least``: below, all is noise.
    """
    own, seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    own.flat[places], seen.flat[places] = np.quantile(distances, _QUANTILE, axis=0), 1.0
    everywhere = np.float32(np.quantile(distances, _QUANTILE))
    even = cv2.blur(own, (3, 3), borderType=cv2.BORDER_REPLICATE)
    if len(places) < own.size:
        even = even / np.maximum(cv2.blur(seen, (3, 3), borderType=cv2.BORDER_REPLICATE), 1e-6)
    scales = even.ravel() + everywhere
    return np.asarray(np.maximum(scales, least), np.float32)
