"""A patch of noise that moves over still noise by exact subpixel steps: the true flow is known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_TEXTURE = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 256, (1200, 1200), dtype=np.uint8), (0, 0), 2.0)
_CONTRAST = 3.0


def picture(
    at_s: float,
    *,
    size: tuple[int, int] = (360, 240),
    velocity: tuple[float, float] = (0.0, 0.0),
    patch: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
) -> NDArray[np.uint8]:
    """uint8 (h, w, 3) of ``size`` (w, h). Within ``patch`` (x1, y1, x2, y2, shares of the picture) the texture moves by
    ``velocity`` long sides a second, rightward and downward; elsewhere it stands still."""
    width, height = size
    still = _window((0.0, 0.0), size)
    moving = _window((velocity[0] * at_s, velocity[1] * at_s), size)
    x1, x2 = round(patch[0] * width), round(patch[2] * width)
    y1, y2 = round(patch[1] * height), round(patch[3] * height)
    still[y1:y2, x1:x2] = moving[y1:y2, x1:x2]
    return np.repeat(still[..., None], 3, axis=2)


def _window(shift_sides: tuple[float, float], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The texture at the picture's scale (a long side is 360 texture pixels), moved by shares of the long side."""
    width, height = size
    scale = max(size) / 360.0
    matrix = np.array(
        [
            [scale, 0.0, (shift_sides[0] * 360.0 - 400.0) * scale],
            [0.0, scale, (shift_sides[1] * 360.0 - 400.0) * scale],
        ]
    )
    contrasted = np.clip((_TEXTURE.astype(np.float32) - 127.5) * _CONTRAST + 127.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.warpAffine(contrasted, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
