"""Polygons as pixels: the one way from shares of a picture to its pixels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.touched_pixels import Polygon

_FRACTION_BITS = 8  # corners are placed to 1/256 of a pixel
_FINER = 4  # as OpenCV fills half a pixel around a polygon too


def raster(polygons: Iterable[Polygon], width: int, height: int) -> NDArray[np.uint8]:
    """uint8 (height, width): 1 where the larger part of a pixel lies in the polygons, else 0."""
    fine = _filled(polygons, _FINER * width, _FINER * height)
    if not fine.any():
        return np.zeros((height, width), np.uint8)
    shares = cv2.resize(fine * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
    return (np.asarray(shares) > 127).astype(np.uint8)


def _filled(polygons: Iterable[Polygon], width: int, height: int) -> NDArray[np.uint8]:
    filled = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        # A pixel's own coordinates are those of its centre, half a pixel from its edge.
        corners = (np.array(polygon, np.float64) * [width, height] - 0.5) * 2**_FRACTION_BITS
        cv2.fillPoly(filled, [np.round(corners).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=_FRACTION_BITS)
    return filled
