"""Small pictures with transparency, and blending them and their shadows into the scene."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLING = 3
_FIXED_POINT_BITS = 4
# Offset of the shadow of a point one pixel above the ground: the sun is high on the left, in front of the scene.
_SHADOW_X, _SHADOW_Y = 0.62, -0.20
_SHADOW_STRENGTH = 0.5

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Sprite:
    """Premultiplied RGBA, uint8 (h, w, 4); (left, top) is its place in the picture, foot the line it stands on."""

    rgba: NDArray[np.uint8]
    left: int
    top: int
    foot: float


class Canvas:
    """Draws a sprite at subpixel accuracy, in picture coordinates."""

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None:
        self._left, self._top = int(np.floor(left)), int(np.floor(top))
        self._width = max(2, int(np.ceil(right)) - self._left)
        self._height = max(2, int(np.ceil(bottom)) - self._top)
        shape = (self._height * SUPERSAMPLING, self._width * SUPERSAMPLING, 4)
        self._pixels: NDArray[np.uint8] = np.zeros(shape, np.uint8)

    def _fixed(self, point: Point) -> tuple[int, int]:
        unit = SUPERSAMPLING << _FIXED_POINT_BITS
        return round((point[0] - self._left) * unit), round((point[1] - self._top) * unit)

    def limb(self, points: list[Point], thickness: float, colour: Colour) -> None:
        """A line through ``points`` with round ends."""
        width = max(1, round(thickness * SUPERSAMPLING))
        fixed = [self._fixed(point) for point in points]
        for start, end in pairwise(fixed):
            cv2.line(self._pixels, start, end, (*colour, 255), width, cv2.LINE_8, _FIXED_POINT_BITS)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        corners = np.array([self._fixed(point) for point in points], np.int32)
        cv2.fillPoly(self._pixels, [corners], (*colour, 255), cv2.LINE_8, _FIXED_POINT_BITS)

    def disc(self, centre: Point, radius: float, colour: Colour, stretch: float = 1.0, turn_deg: float = 0.0) -> None:
        """A filled ellipse, ``stretch`` times as tall as wide."""
        unit = SUPERSAMPLING << _FIXED_POINT_BITS
        axes = (max(1, round(radius * unit)), max(1, round(radius * stretch * unit)))
        x, y = self._fixed(centre)
        cv2.ellipse(
            self._pixels, (x, y), axes, turn_deg, 0, 360, (*colour, 255), -1, cv2.LINE_8, _FIXED_POINT_BITS
        )  # fmt: skip

    def sprite(self, foot: float) -> Sprite:
        size = (self._width, self._height)
        rgba = cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA)
        return Sprite(np.asarray(rgba, np.uint8), self._left, self._top, foot)


def _overlap(left: int, top: int, width: int, height: int, picture: NDArray[np.uint8]) -> tuple[slice, ...] | None:
    """Slices (rows, columns) of the picture, then of the patch."""
    rows, columns = picture.shape[:2]
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, columns), min(top + height, rows)
    if x1 >= x2 or y1 >= y2:
        return None
    return slice(y1, y2), slice(x1, x2), slice(y1 - top, y2 - top), slice(x1 - left, x2 - left)


def blend(picture: NDArray[np.uint8], sprite: Sprite) -> None:
    """Blend the sprite into the picture, in place."""
    height, width = sprite.rgba.shape[:2]
    where = _overlap(sprite.left, sprite.top, width, height, picture)
    if where is None:
        return
    patch = sprite.rgba[where[2], where[3]]
    clear = cv2.cvtColor(255 - patch[..., 3], cv2.COLOR_GRAY2RGB)
    behind = picture[where[0], where[1]]
    behind[:] = cv2.add(cv2.multiply(behind, clear, scale=1 / 255), np.ascontiguousarray(patch[..., :3]))


def blend_shadow(picture: NDArray[np.uint8], sprite: Sprite) -> None:
    """Darken the ground where the sprite casts its shadow, in place."""
    height, width = sprite.rgba.shape[:2]
    foot = sprite.foot - sprite.top
    reach, depth = int(np.ceil(foot * _SHADOW_X)), int(np.ceil(foot * -_SHADOW_Y)) + 2
    spare = max(0, height - int(foot))
    # A pixel h above the foot line goes to (x + h * SHADOW_X, foot + h * SHADOW_Y).
    matrix = np.array([[1, -_SHADOW_X, foot * _SHADOW_X], [0, -_SHADOW_Y, depth + foot * _SHADOW_Y]], np.float32)
    size = (width + reach, depth + spare)
    alpha = cv2.blur(cv2.warpAffine(np.ascontiguousarray(sprite.rgba[..., 3]), matrix, size), (3, 2))
    where = _overlap(sprite.left, round(sprite.foot) - depth, size[0], size[1], picture)
    if where is None:
        return
    light = cv2.convertScaleAbs(alpha[where[2], where[3]], alpha=_SHADOW_STRENGTH, beta=0.0)
    clear = cv2.cvtColor(255 - light, cv2.COLOR_GRAY2RGB)
    ground = picture[where[0], where[1]]
    ground[:] = cv2.multiply(ground, clear, scale=1 / 255)
