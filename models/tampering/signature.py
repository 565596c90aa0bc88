"""A picture in a few numbers: what the conditions of a camera are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = (18, 32)  # rows, columns of the coarse grey picture
CELLS = (6, 8)  # rows, columns of the cells it is judged by
_FINE = (72, 128)  # rows, columns of the picture that detail is looked for in
_COLOUR = (36, 64)
_EVERY_ROW = 8  # rows hashed: a block of an encoder is never lower
_BUSY = 38  # of the 48 cells in order of detail: a picture has lost its detail when its busier cells have


@dataclass(frozen=True)
class PictureSignature:
    """``grey``: float32 (18, 32), grey levels. ``sharpness``: float32 (6, 8), fine structure of each cell, in grey
    levels; ``detail``: of a busy one. ``contrast``: coarse structure of the whole, in grey levels per point of the
    grid. ``colour``: mean difference between the channels, 0 for an infrared picture. ``digests``: uint32 (48,), each
    equal where its cell is.
    """

    grey: NDArray[np.float32]
    detail: float
    contrast: float
    colour: float
    digests: NDArray[np.uint32]
    sharpness: NDArray[np.float32]


def signature_of(rgb: NDArray[np.uint8]) -> PictureSignature:
    """The signature of a picture, uint8 (height, width, 3), of any size and aspect ratio."""
    full = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    fine = _resized(full, _FINE).astype(np.float32)
    grey = _resized(fine, GRID)
    rough = cell_means(np.abs(fine - cv2.blur(fine, (5, 5))))
    return PictureSignature(
        grey=grey,
        detail=float(np.sort(rough, axis=None)[_BUSY]),
        contrast=float(np.sqrt(energies(gradients(grey)).mean())),
        colour=_colour(rgb),
        digests=_digests(rgb[::_EVERY_ROW]),
        sharpness=rough,
    )


def gradients(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Across and down, in grey levels per point."""
    return _slope(grey, 1, 0), _slope(grey, 0, 1)


def energies(of: tuple[NDArray[np.float32], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean square of the gradients in each cell, (6, 8)."""
    across, down = of
    return cell_means(across * across + down * down)


def cell_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the cells, (6, 8), of a picture whose sides are multiples of those."""
    return _resized(values, CELLS)


def _slope(grey: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    return np.asarray(cv2.Sobel(grey, cv2.CV_32F, across, down, ksize=3, scale=1 / 8), np.float32)


def _resized(values: NDArray, size: tuple[int, int]) -> NDArray:  # type: ignore[type-arg]
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA)


def _digests(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A weighted sum of each cell, which wraps around: other pictures have another one but for a chance of 2^-30."""
    rows, columns = rgb.shape[:2]
    weighted = rgb.reshape(rows, -1) * _weights(rows, columns)
    tops, lefts = np.arange(CELLS[0]) * rows // CELLS[0], np.arange(CELLS[1]) * columns // CELLS[1] * 3
    sums = np.add.reduceat(np.add.reduceat(weighted, tops, axis=0, dtype=np.uint32), lefts, axis=1, dtype=np.uint32)
    return np.asarray(sums.ravel(), np.uint32)


@cache
def _weights(rows: int, columns: int) -> NDArray[np.uint32]:
    return np.random.default_rng(0).integers(1, 2**32, (rows, columns * 3), dtype=np.uint32) | np.uint32(1)


def _colour(rgb: NDArray[np.uint8]) -> float:
    red, green, blue = cv2.split(cv2.resize(rgb, _COLOUR[::-1], interpolation=cv2.INTER_NEAREST))
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(cv2.mean(cv2.subtract(most, least))[0])
