"""Pedestrians: the ordinary life of the square."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import hypot, pi

import numpy as np

from patchwatch.demo.scene.person import Appearance, Pose

WALKING_M_PER_S = 1.35
_SPEED_SPREAD, _SLOWEST, _FASTEST = 0.12, 1.1, 1.6
_STRIDE_SHARE = 0.84  # Length of two steps over body height, when walking.


@dataclass(frozen=True)
class Path:
    """A straight path across the square, walked in both directions; metres."""

    start: tuple[float, float]
    end: tuple[float, float]
    spread_m: float
    every_s: float

    @property
    def length_m(self) -> float:
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])


PATHS = (
    Path((-10.5, 11.4), (10.5, 11.4), 0.55, 8.0),
    Path((-14.6, 16.4), (14.6, 16.4), 0.7, 9.0),
    Path((-21.5, 25.5), (21.5, 25.5), 0.8, 13.0),
    Path((-9.4, 10.6), (2.2, 35.6), 0.5, 11.0),
)


@dataclass(frozen=True)
class Walk:
    """One person's walk along a path, at constant speed."""

    starts_at_s: float
    speed: float
    start: tuple[float, float]
    end: tuple[float, float]
    appearance: Appearance
    first_stride: float

    @property
    def length_m(self) -> float:
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    def place(self, t_s: float) -> tuple[float, float] | None:
        """Where the person is, (x, z) in metres; None before and after the walk."""
        share = (t_s - self.starts_at_s) * self.speed / self.length_m
        if not 0 <= share <= 1:
            return None
        return (
            self.start[0] + share * (self.end[0] - self.start[0]),
            self.start[1] + share * (self.end[1] - self.start[1]),
        )

    def pose(self, t_s: float) -> Pose:
        walked = (t_s - self.starts_at_s) * self.speed
        stride = self.first_stride + 2 * pi * walked / (_STRIDE_SHARE * self.appearance.height_m)
        return Pose(stride, side=(self.end[0] - self.start[0]) / self.length_m)


@lru_cache(maxsize=2048)
def _walk(seed: int, path_index: int, backwards: bool, number: int) -> Walk:
    path = PATHS[path_index]
    rng = np.random.default_rng([seed, path_index, int(backwards), number & 0xFFFFFFFF])
    starts_at = (number + 0.5 * backwards + float(rng.uniform(-0.28, 0.28))) * path.every_s
    speed = float(np.clip(rng.normal(WALKING_M_PER_S, _SPEED_SPREAD), _SLOWEST, _FASTEST))
    start, end = (path.end, path.start) if backwards else (path.start, path.end)
    aside = float(rng.uniform(-path.spread_m, path.spread_m))
    length = path.length_m
    shift = (aside * (path.end[1] - path.start[1]) / length, aside * (path.end[0] - path.start[0]) / length)
    return Walk(
        starts_at, speed, (start[0] - shift[0], start[1] + shift[1]), (end[0] - shift[0], end[1] + shift[1]),
        Appearance.draw(rng), float(rng.uniform(0, 2 * pi)),
    )  # fmt: skip


def walks(seed: int, t_s: float) -> list[Walk]:
    """Everyone on a path at time ``t_s``: a pure function, so that any moment can be drawn on its own."""
    active = []
    for index, path in enumerate(PATHS):
        longest = path.length_m / _SLOWEST
        first, last = int((t_s - longest) // path.every_s) - 1, int(t_s // path.every_s) + 1
        for backwards in (False, True):
            for number in range(first, last + 1):
                walk = _walk(seed, index, backwards, number)
                if walk.place(t_s) is not None:
                    active.append(walk)
    return active
