"""Sensor noise of pictures, cheap enough to be in every frame of a long film."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_OFFSETS = 509  # a prime, so that the noise of frames with nearby numbers never lies at the same place


def sensor_noise(number: int, shape: tuple[int, int, int], sigma: float) -> NDArray[np.float32]:
    """Gaussian noise of frame ``number``, (h, w, channels): a window of one large field that lies elsewhere for every
    number up to 259,081."""
    field = _field(*shape)
    y, x = (number * 211) % _OFFSETS, (number // _OFFSETS + number * 307) % _OFFSETS
    return sigma * field[y : y + shape[0], x : x + shape[1]]


@cache
def _field(height: int, width: int, channels: int) -> NDArray[np.float32]:
    shape = height + _OFFSETS, width + _OFFSETS, channels
    return np.random.default_rng(7).normal(0, 1, shape).astype(np.float32)
