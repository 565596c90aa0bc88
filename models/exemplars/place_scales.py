"""What counts as far at each place of the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_QUANTILE = 0.99


def place_scales(distances: NDArray[np.float32], rows: int, columns: int, least: float) -> NDArray[np.float32]:
    """Positive scales, float32 (rows * columns,), from held-out normal ``distances`` (frames, rows * columns).

    A high quantile of a place's own distances, evened out over its neighbours, plus that of the whole picture. So a
    small change where nothing changes stands out from the noise of a busy place, and what is far away from what is
    near. ``least``: below, all is noise.
    """
    own = np.quantile(distances, _QUANTILE, axis=0).astype(np.float32).reshape(rows, columns)
    everywhere = np.float32(np.quantile(distances, _QUANTILE))
    scales = cv2.blur(own, (3, 3), borderType=cv2.BORDER_REPLICATE).ravel() + everywhere
    return np.asarray(np.maximum(scales, least), np.float32)
