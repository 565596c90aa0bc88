"""What counts in a camera's picture: parts that are ignored, parts that alone are watched, parts that are black."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.raster import raster
from models.frames.touched_pixels import Polygon

_MOSTLY = 0.5  # a box of which more lies where nothing counts is left out
_REMEMBERED = 8  # results, of a few sizes and kinds
_FINE = 1024  # pixels across and down, where the size of the picture must not matter
_DECIMALS = 6  # of shares: the same place must not depend on the picture's size

Raster = NDArray[np.uint8]
Boxes = NDArray[np.float32]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class View:
    """Polygons in shares of the picture. Nothing counts in ``ignored`` ones; where there are ``watched`` ones, only
    what is in them counts; ``hidden`` ones are black in every picture, and so count for nothing either."""

    ignored: tuple[Polygon, ...] = ()
    watched: tuple[Polygon, ...] = ()
    hidden: tuple[Polygon, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the whole picture counts."""
        return not (self.ignored or self.watched or self.hidden)

    def counts_like(self, other: View) -> bool:
        """Whether the same parts count in both."""
        out, others_out = {*self.ignored, *self.hidden}, {*other.ignored, *other.hidden}
        return out == others_out and set(self.watched) == set(other.watched)

    def left_out(self, width: int, height: int) -> Raster:
        """uint8 (height, width): 1 where nothing counts, else 0."""
        out = raster((*self.ignored, *self.hidden), width, height)
        return out | (1 - raster(self.watched, width, height)) if self.watched else out


WHOLE_VIEW = View()


class ViewMask:
    """A `View` on pixels, of one camera. Rasterised once for each size of picture. Not thread-safe.

    ``learnt``: the view that the camera's bank was learnt in; None: it is being learnt in this one. Boxes count by the
    present view, places where both agree. What streams are shown is what they were shown when the bank was learnt, but
    for what is hidden since.
    """

    def __init__(self, view: View | None = None, learnt: View | None = None) -> None:
        self.view = view or WHOLE_VIEW
        self.learnt = learnt or self.view
        self.whole = self.view.whole and self.learnt.whole
        self.as_learnt = self.view.counts_like(self.learnt)
        self._results: dict[object, object] = {}

    def counts_boxes(self, boxes_xyxy_px: Boxes, width: int, height: int) -> NDArray[np.bool_]:
        """Which boxes (n, 4) count, in pixels of a picture of this size: those that do not lie mostly where nothing
        does. Bool (n,)."""
        if self.view.whole or not len(boxes_xyxy_px):
            return np.ones(len(boxes_xyxy_px), np.bool_)
        sums = self._once(("sums", width, height), lambda: _sums(self.view.left_out(width, height)))
        return _shares(sums, boxes_xyxy_px) <= _MOSTLY

    def counts_places(self, boxes_xyxy_px: Boxes, width: int, height: int, reach: float = 2.0) -> NDArray[np.bool_]:
        """Which of a stream's fixed places count, of which these are the boxes: those whose centre lies where something
        does; where that is none, those that reach into it. Bool (n,).

        ``reach``: within so many half boxes of a place, its vector depends on what the picture shows. Where the bank
        was learnt in another view, places within reach of the difference do not count: something looks different there
        since it is hidden, or they would see what does not count any more. The latter do if no others are left.
        """
        if self.whole:
            return np.ones(len(boxes_xyxy_px), np.bool_)
        key = ("places", width, height, len(boxes_xyxy_px))
        return self._once(key, lambda: self._places(boxes_xyxy_px / _sides(width, height), reach))

    def _places(self, boxes: Boxes, reach: float) -> NDArray[np.bool_]:
        """``boxes`` in shares of the picture."""
        if self.as_learnt:
            return _counted(self.view, boxes)
        centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
        within_reach = np.concatenate([centres - reach * halves, centres + reach * halves], axis=1) * _FINE
        out, before = self.view.left_out(_FINE, _FINE), self.learnt.left_out(_FINE, _FINE)
        blackened = raster(self.view.hidden, _FINE, _FINE) & (1 - before)
        counted = _counted(self.view, boxes) & _counted(self.learnt, boxes) & ~_touch(blackened, within_reach)
        undisturbed = counted & ~_touch(out ^ before, within_reach)
        return undisturbed if undisturbed.any() else counted

    def seen(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture, uint8 (height, width, 3), as streams are shown it: black where nothing counts. A copy, or itself
        where all counts."""
        if self.learnt.whole:
            return rgb
        height, width = rgb.shape[:2]
        return np.asarray(rgb & self._once(("seen", width, height), lambda: self._seen(width, height)), np.uint8)

    def _seen(self, width: int, height: int) -> Raster:
        return np.repeat((255 * (1 - self.learnt.left_out(width, height)))[..., None], 3, axis=2)

    def moves(self, width: int, height: int) -> NDArray[np.float32]:
        """float32 (height, width, 2): 1 where streams are shown what moves, else 0."""
        return self._once(("moves", width, height), lambda: self._moves(width, height))

    def _moves(self, width: int, height: int) -> NDArray[np.float32]:
        return np.repeat((1 - self.learnt.left_out(width, height)).astype(np.float32)[..., None], 2, axis=2)

    def ignored(self, width: int, height: int) -> Raster:
        """uint8 (height, width): 1 where something is ignored or hidden, else 0."""
        polygons = (*self.view.ignored, *self.view.hidden)
        return self._once(("ignored", width, height), lambda: raster(polygons, width, height))

    def _once(self, key: object, make: Callable[[], _T]) -> _T:
        if key not in self._results:
            if len(self._results) >= _REMEMBERED:
                self._results.clear()
            self._results[key] = make()
        return self._results[key]  # type: ignore[return-value]


WHOLE = ViewMask()


def _sides(width: int, height: int) -> NDArray[np.float32]:
    return np.array([width, height, width, height], np.float32)


def _sums(values: Raster) -> NDArray[np.int32]:
    """The integral of a raster, int32 (height + 1, width + 1)."""
    return np.asarray(cv2.integral(values), np.int32)


def _shares(sums: NDArray[np.int32], boxes_xyxy_px: Boxes) -> NDArray[np.float64]:
    """How much of each box is 1 in the raster whose integral ``sums`` (height + 1, width + 1) is; float64 (n,)."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    low, high = np.floor(boxes_xyxy_px[:, :2]).astype(np.int64), np.ceil(boxes_xyxy_px[:, 2:]).astype(np.int64)
    x1, y1 = np.clip(low[:, 0], 0, width - 1), np.clip(low[:, 1], 0, height - 1)
    x2, y2 = np.clip(high[:, 0], x1 + 1, width), np.clip(high[:, 1], y1 + 1, height)
    covered = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
    return np.asarray(covered / ((x2 - x1) * (y2 - y1)), np.float64)


def _touch(values: Raster, boxes: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which boxes hold a 1 of the raster, in whose pixels they are."""
    return _shares(_sums(values), np.asarray(boxes, np.float32)) > 0


def _counted(view: View, boxes: Boxes) -> NDArray[np.bool_]:
    """Which boxes, in shares of the picture, have their centre where something counts; where that is none, those that
    reach into it."""
    if view.whole:
        return np.ones(len(boxes), np.bool_)
    centres = np.round((boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2, _DECIMALS)
    counted = ~_within((*view.ignored, *view.hidden), centres)
    if view.watched:
        counted &= _within(view.watched, centres)
    if counted.any():
        return np.asarray(counted, np.bool_)
    return _shares(_sums(view.left_out(_FINE, _FINE)), np.asarray(boxes * _FINE, np.float32)) < 1.0


def _within(polygons: tuple[Polygon, ...], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (n, 2) lie in any of the polygons (even-odd rule)."""
    within = np.zeros(len(points), np.bool_)
    x, y = points.T
    for polygon in polygons:
        odd = np.zeros(len(points), np.bool_)
        for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
            if y1 != y2:
                odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        within |= odd
    return within
