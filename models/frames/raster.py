"""Polygons as pixels: the one way from shares of a picture to its pixels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

Polygon = tuple[tuple[float, float], ...]  # corners in shares of a picture's width and height

_FRACTION_BITS = 8  # corners are placed to 1/256 of a pixel


def raster(polygons: Iterable[Polygon], width: int, height: int, *, margin_px: int = 0) -> NDArray[np.uint8]:
    """uint8 (height, width): 1 in the polygons, on their outlines and so many pixels around them, else 0."""
    filled = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        # A pixel's own coordinates are those of its centre, half a pixel from its edge.
        corners = (np.array(polygon, np.float64) * [width, height] - 0.5) * 2**_FRACTION_BITS
        cv2.fillPoly(filled, [np.round(corners).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=_FRACTION_BITS)
    if margin_px:
        filled = np.asarray(cv2.dilate(filled, np.ones((2 * margin_px + 1,) * 2, np.uint8)), np.uint8)
    return filled
