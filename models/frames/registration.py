"""By how much one picture of a scene is shifted against another: by phase correlation (Kuglin and Hines, 1975)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_LEAST_SIDE_PX = 16
_LARGEST = 0.25  # of the width or height: beyond, too little is left to compare
_LEAST = 1.0  # pixels of the pictures as they are compared: below, it is noise
_ALIGNED = 0.7  # of the difference between the pictures, at most so much may be left once they are aligned
_SMOOTHED_PX = 0.8  # what is compared are outlines, so that light does not count


@dataclass(frozen=True)
class Shift:
    """``right`` and ``down``: by what share of the picture's width and height what it shows has moved."""

    right: float
    down: float

    def near(self, other: Shift, within: float = 0.01) -> bool:
        """Whether both are the same, as far as can be told."""
        return abs(self.right - other.right) <= within and abs(self.down - other.down) <= within


def shift_between(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Shift | None:
    """How the picture ``after`` is shifted against ``before``, both grey uint8 (h, w) of one size; None where it is
    not, or where a shift does not explain by what they differ."""
    if before.shape != after.shape or min(before.shape) < _LEAST_SIDE_PX:
        return None
    one, other = _outlines(before), _outlines(after)
    window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
    (right_px, down_px), _ = cv2.phaseCorrelate(one, other, window)
    height, width = one.shape
    if (
        max(abs(right_px), abs(down_px)) < _LEAST
        or abs(right_px) > _LARGEST * width
        or abs(down_px) > _LARGEST * height
    ):
        return None
    if _left_over(one, other, right_px, down_px) > _ALIGNED * _left_over(one, other, 0.0, 0.0):
        return None
    return Shift(right_px / width, down_px / height)


def _outlines(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gradients, brought to a common scale: a lamp that is switched on moves nothing."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _SMOOTHED_PX)
    size = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return np.asarray(size / max(1e-3, float(size.mean())), np.float32)


def _left_over(one: NDArray[np.float32], other: NDArray[np.float32], right_px: float, down_px: float) -> float:
    """The mean difference between the pictures where they overlap, once the first is moved like this."""
    height, width = one.shape
    moved = cv2.warpAffine(one, np.array([[1.0, 0.0, right_px], [0.0, 1.0, down_px]]), (width, height))
    margin = 1 + int(np.ceil(max(abs(right_px), abs(down_px))))
    inside = slice(margin, height - margin), slice(margin, width - margin)
    return float(np.abs(moved[inside] - other[inside]).mean()) if margin < min(height, width) / 2 else np.inf
