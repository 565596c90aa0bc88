"""JPEG, the format of frames in the queue. Every scored frame is compressed here first, offline too."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError


def encode(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """JPEG (4:2:0) of a uint8 (height, width, 3) picture; ``quality`` 1..100."""
    contiguous = np.ascontiguousarray(rgb)
    jpeg: bytes = simplejpeg.encode_jpeg(contiguous, quality=quality, colorspace="RGB", colorsubsampling="420")
    return jpeg


def decode(jpeg: bytes) -> NDArray[np.uint8]:
    """uint8 (height, width, 3). Raises `RejectedError` when the bytes are no complete JPEG."""
    try:
        rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg, colorspace="RGB")
    except ValueError as error:
        raise RejectedError(f"not a complete JPEG picture: {error}") from None
    return rgb
