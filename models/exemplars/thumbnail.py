"""Small pictures of normal footage, kept with a bank so that people can see what a frame was compared with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE_PX = 160
_QUALITY = 70


def thumbnail(rgb: NDArray[np.uint8]) -> bytes:
    """JPEG of a picture, uint8 RGB (h, w, 3), its long side brought to at most 160 px."""
    height, width = rgb.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else rgb
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded")
    return encoded.tobytes()
