"""Blacks out the privacy zones of pictures, before anything else sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.frames.touched_pixels import touched
from patchwatch.messages.cameras.zones.polygon import Polygon

# Scaling mixes each pixel with its neighbours, and colour is filmed for pairs of pixels: so much around a zone still
# shows something of what is in it.
MARGIN_PX = 2


class PrivacyMask:
    """Of one camera. Rasterised once for each size of picture, of which it remembers the last."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = tuple(polygons)
        self._kept: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)  # 0 where it is black, else 255

    def hide(self, rgb: NDArray[np.uint8]) -> None:
        """Blacken, in place, every pixel of uint8 (height, width, 3) that a zone touches, and two more around it."""
        if not self._polygons:
            return
        if self._kept.shape != rgb.shape:
            self._kept = self._raster(rgb.shape[1], rgb.shape[0])
        np.bitwise_and(rgb, self._kept, out=rgb)

    def _raster(self, width: int, height: int) -> NDArray[np.uint8]:
        hidden = touched(self._polygons, width, height, MARGIN_PX)
        return np.repeat(np.where(hidden, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
