"""Polygons as all the pixels that they touch. Drawn by Pillow: a process that blackens pictures needs no OpenCV."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Polygon = tuple[tuple[float, float], ...]  # corners in shares of a picture's width and height

_FINER = 2  # Pillow draws a line through the pixels whose centres are nearest, so it may miss half of one


def touched(polygons: Iterable[Polygon], width: int, height: int, margin_px: int) -> NDArray[np.uint8]:
    """uint8 (height, width): 1 in every pixel that the polygons touch and so many around those, else 0."""
    fine = Image.new("L", (_FINER * width, _FINER * height))
    draw = ImageDraw.Draw(fine)
    for polygon in polygons:
        # A pixel's own coordinates are those of its centre, half a pixel from its edge.
        draw.polygon([(x * fine.width - 0.5, y * fine.height - 0.5) for x, y in polygon], fill=1, outline=1)
    filled = np.asarray(fine).reshape(height, _FINER, width, _FINER).max(axis=(1, 3))
    spread = Image.fromarray(filled).filter(ImageFilter.MaxFilter(2 * margin_px + 1))
    return np.array(spread, np.uint8)
