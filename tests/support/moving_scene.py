"""A small picture with a patch that drifts to and fro, and may rush: real pixels for motion, cheap to make."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 160, 96, 5
_GROUND = np.random.default_rng(0).integers(60, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
_PATCH = np.random.default_rng(1).integers(120, 255, (32, 24, 3), dtype=np.uint8)


def scene(at_s: float, *, rush: bool = False) -> NDArray[np.uint8]:
    """uint8 (96, 160, 3): the patch swings slowly; ``rush`` makes it bounce up and down quickly."""
    rgb = _GROUND.copy()
    x = int(60 + 40 * math.sin(at_s * 0.8))
    y = int(30 + 25 * math.sin(at_s * 7.0)) if rush else 30
    rgb[y : y + 32, x : x + 24] = _PATCH
    return rgb
