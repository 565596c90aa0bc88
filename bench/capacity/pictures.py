"""Small pictures of simulated cameras: a scene with noise, and the same with a mark that an alert shall come of."""

from __future__ import annotations

from typing import Any

import numpy as np

from workers.media import jpeg_codec

WIDTH, HEIGHT = 320, 180
_MARK_PX, _BLACK, _WHITE, _THRESHOLD = 16, 16, 240, 128
_PICTURES = 16
_QUALITY = 85
Picture = np.ndarray[Any, np.dtype[np.uint8]]


def jpegs(*, marked: bool) -> list[bytes]:
    """Pictures that follow each other in a loop."""
    random = np.random.default_rng(2)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    scene = 110 + 50 * np.sin(columns / 17) * np.cos(rows / 11)
    result = []
    for _ in range(_PICTURES):
        grey = scene + random.normal(0, 6, scene.shape)
        picture = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
        picture[:_MARK_PX, :_MARK_PX] = _WHITE if marked else _BLACK
        result.append(jpeg_codec.encode(picture, _QUALITY))
    return result


def mean_kb() -> float:
    """Size of a picture."""
    sizes = [len(jpeg) for jpeg in jpegs(marked=False)]
    return sum(sizes) / len(sizes) / 1000


def is_marked(rgb: Picture) -> bool:
    return float(rgb[: _MARK_PX // 2, : _MARK_PX // 2].mean()) > _THRESHOLD
