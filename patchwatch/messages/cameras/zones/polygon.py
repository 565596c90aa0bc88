"""Polygons in shares of a picture's width and height: 0,0 is its upper left corner, 1,1 the lower right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Span = tuple[float, float]

LEAST_AREA = 1e-5  # of the picture: two pixels of 640 x 360
_ROWS = 64  # of the picture, on which areas that polygons cover together are measured


def area(polygon: Polygon) -> float:
    """The share of the picture that it covers (shoelace formula)."""
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(polygon))) / 2


def contains(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a point lies in it."""
    return sum(crossed > x for crossed in _crossings(polygon, y)) % 2 == 1


@lru_cache(maxsize=4096)
def crossing(polygon: Polygon) -> tuple[int, int] | None:
    """Numbers, from 1, of the corners at which the first two edges that cross or touch begin; None where none do."""
    edges = list(_edges(polygon))
    for first, edge in enumerate(edges):
        for second in range(first + 1, len(edges)):
            adjacent = second == first + 1 or (first == 0 and second == len(edges) - 1)
            meets = _folds_back(edge, edges[second]) if adjacent else _touch(edge, edges[second])
            if meets:
                return first + 1, second + 1
    return None


@lru_cache(maxsize=1024)  # the records of all cameras are read again and again
def visible_share(hidden: tuple[Polygon, ...], shown: tuple[Polygon, ...]) -> float:
    """The share of the picture outside of all ``hidden`` polygons and, where there are ``shown`` ones, inside of one
    of those; measured along 64 rows."""
    return sum(_visible(hidden, shown, (row + 0.5) / _ROWS) for row in range(_ROWS)) / _ROWS


def _visible(hidden: Sequence[Polygon], shown: Sequence[Polygon], y: float) -> float:
    out = [span for polygon in hidden for span in _spans(polygon, y)]
    within = [span for polygon in shown for span in _spans(polygon, y)] if shown else [(0.0, 1.0)]
    return _length(within + out) - _length(out)


def _length(spans: list[Span]) -> float:
    """What the spans cover together."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _spans(polygon: Polygon, y: float) -> list[Span]:
    crossed = sorted(_crossings(polygon, y))
    return list(zip(crossed[::2], crossed[1::2], strict=True))


def _crossings(polygon: Polygon, y: float) -> Iterator[float]:
    for (x1, y1), (x2, y2) in _edges(polygon):
        if (y1 > y) != (y2 > y):
            yield x1 + (y - y1) * (x2 - x1) / (y2 - y1)


def _edges(polygon: Polygon) -> Iterator[tuple[Point, Point]]:
    return zip(polygon, (*polygon[1:], polygon[0]), strict=True)


def _touch(edge: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = edge, other
    sides = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    ends = zip(sides, ((a, b, c), (a, b, d), (c, d, a), (c, d, b)), strict=True)
    return any(side == 0 and _between(*points) for side, points in ends)


def _folds_back(edge: tuple[Point, Point], following: tuple[Point, Point]) -> bool:
    """Whether two edges with a common corner lie upon each other."""
    (a, b), (c, d) = edge, following
    corner, one, two = (b, a, d) if b == c else (a, b, c)
    ahead = (one[0] - corner[0]) * (two[0] - corner[0]) + (one[1] - corner[1]) * (two[1] - corner[1])
    return _side(corner, one, two) == 0 and ahead > 0


def _side(a: Point, b: Point, c: Point) -> float:
    """On which side of the line from a to b the point c lies: the sign; 0: on it."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(a: Point, b: Point, c: Point) -> bool:
    """Whether c, which is on the line through a and b, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
