"""Draws a place at any moment of the weeks: its people, the light of the hour and the season, rain, a moved camera."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.weeks.life import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    SUNRISE,
    SUNSET,
    Happening,
    Kind,
    is_dark,
    walks,
)  # fmt: skip
from bench.weeks.places import HEIGHT, SHELF, WIDTH, Box, Ground, Place, backdrop, box_sprite
from patchwatch.demo.scene.person import Appearance, Pose, person
from patchwatch.demo.scene.sprite import Sprite, blend, blend_shadow
from patchwatch.demo.scene.vehicle import vehicle

_DUSK_H = 0.7
_NOISE, _NIGHT_NOISE, _POOL = 2.0, 4.0, 64
_NUDGE_PX = (5, 3)
_SEASON = 0.16  # of the light, lost over two weeks
_RUN_M_PER_S, _VAN_M_PER_S, _CLEANER_M_PER_S, _WALK_M_PER_S = 3.8, 4.5, 0.5, 1.3
_STRIDE = 0.84
_FALLS_AFTER_S, _FALLS_S = 2.0, 0.9
_LEAVES_AFTER_S = 3.0

Placed = list[tuple[float, Sprite]]


class Painter:
    """Of one camera. Pictures are a pure function of the moment: seconds after Monday, 0:00."""

    def __init__(self, place: Place, seed: int, happenings: Sequence[Happening]) -> None:
        self.place = place
        self._seed = seed
        self._happenings = happenings
        self._empty = backdrop(place, seed)
        self._furniture: Placed = [(box.at[1], box_sprite(place.view, box)) for box in place.furniture]
        shelf = Box(_corner(place), SHELF.width_m, SHELF.height_m, SHELF.colour)
        self._shelf: Placed = [(shelf.at[1], box_sprite(place.view, shelf))]
        rng = np.random.default_rng([seed, 15])
        self._noise = rng.normal(0, 1, (HEIGHT + _POOL, WIDTH + _POOL, 3)).astype(np.float32)
        rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        self._beam = (1.0 - 0.45 * (rows**2 + columns**2)).astype(np.float32)[..., None]

    def picture(self, at_s: float) -> NDArray[np.uint8]:
        """RGB uint8 (HEIGHT, WIDTH, 3)."""
        picture, dark = self._empty.copy(), self.is_dark(at_s)
        present = [one for one in self._happenings if one.from_s <= at_s < one.until_s]
        movers = [*self._walkers(at_s), *(mover for one in present for mover in self._perform(one, at_s - one.from_s))]
        things = self._furniture + (self._shelf if any(one.kind is Kind.SHELF for one in present) else [])
        if not dark:
            for _, sprite in movers:
                blend_shadow(picture, sprite)
        for _, sprite in sorted([*movers, *things], key=lambda placed: -placed[0]):
            blend(picture, sprite)
        lit = self._infrared(picture) if dark else self._daylight(picture, at_s)
        if any(one.kind is Kind.NUDGE for one in present):
            lit = np.roll(lit, _NUDGE_PX, axis=(1, 0))
        rng = np.random.default_rng([self._seed, 16, round(at_s * 1000)])
        if any(one.kind is Kind.RAIN for one in present):
            _rain(lit, rng)
        top, left = rng.integers(0, _POOL, 2).tolist()
        noise = self._noise[top : top + HEIGHT, left : left + WIDTH]
        return np.clip(lit + noise * (_NIGHT_NOISE if dark else _NOISE), 0, 255).astype(np.uint8)

    def is_dark(self, at_s: float) -> bool:
        return is_dark(self.place, at_s)

    def _infrared(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        grey = picture.mean(axis=2, keepdims=True, dtype=np.float32)
        return np.asarray(np.repeat((35.0 + 0.6 * grey) * self._beam, 3, axis=2), np.float32)

    def _daylight(self, picture: NDArray[np.uint8], at_s: float) -> NDArray[np.float32]:
        gain = 1.0 - _SEASON * at_s / (14 * DAY_S) + 0.01 * sin(2 * pi * at_s / 37)
        if not self.place.indoor:
            hour = at_s % DAY_S / HOUR_S
            noon = min(hour - SUNRISE, SUNSET - hour)
            gain *= min(1.0, 0.55 + 0.45 * noon / _DUSK_H) * (1.0 + 0.04 * sin(2 * pi * at_s / (53 * MINUTE_S)))
        tint = np.array([1.0, 1.0 - 0.02 * at_s / (14 * DAY_S), 1.0 - 0.06 * at_s / (14 * DAY_S)], np.float32)
        return np.asarray(picture * (tint * np.float32(gain)), np.float32)

    def _walkers(self, at_s: float) -> Placed:
        movers: Placed = []
        for walk in walks(self.place, self._seed, at_s):
            path = self.place.paths[walk.path]
            way = path[::-1] if walk.backwards else path
            movers += self._on_the_way(way, (at_s - walk.from_s) * walk.speed_m_per_s, walk.appearance)
        return movers

    def _on_the_way(self, way: tuple[Ground, Ground], walked_m: float, look: Appearance, pace: float = 1.0) -> Placed:
        (x1, z1), (x2, z2) = way
        length_m = hypot(x2 - x1, z2 - z1)
        share = walked_m / length_m
        if not 0 <= share <= 1:
            return []
        x, z = x1 + share * (x2 - x1), z1 + share * (z2 - z1)
        stride = 2 * pi * walked_m / (_STRIDE * look.height_m * pace)
        pose = Pose(stride, swing=pace, side=(x2 - x1) / length_m, bent_arms=pace > 1.3)
        return [(z, person(self.place.view, x, z, look, pose))]

    def _perform(self, one: Happening, since_s: float) -> Placed:
        """Who and what belongs to a happening."""
        look = Appearance.draw(np.random.default_rng([self._seed, 17, list(Kind).index(one.kind), one.number]))
        path = self.place.paths[one.number % len(self.place.paths)]
        match one.kind:
            case Kind.CLEANER:
                return self._cleaner(since_s)
            case Kind.DELIVERY:
                return self._delivery(since_s, look)
            case Kind.FALL:
                return self._fall(path, since_s, look)
            case Kind.RUN:
                return self._on_the_way(path, since_s * _RUN_M_PER_S, look, 1.7)
            case Kind.LEFT:
                return self._leave(path, since_s, look)
            case Kind.NIGHT:
                return self._on_the_way(_entered(path), since_s * _WALK_M_PER_S, look)
            case Kind.FORBIDDEN:
                return self._on_the_way(self.place.forbidden, since_s * _WALK_M_PER_S, look)
            case Kind.VAN:
                return self._van(self.place.forbidden, since_s, 0.6)
            case _:
                return []

    def _cleaner(self, since_s: float) -> Placed:
        """The same person each night, slowly, with a trolley, off the paths."""
        look = Appearance.draw(np.random.default_rng([self._seed, 18]))
        x, z = self.place.paths[0][0][0] * 0.2 + since_s * _CLEANER_M_PER_S * 0.5, _middle(self.place)
        pose = Pose(since_s * 2.2, swing=0.6, side=1.0, lean_deg=8.0)
        trolley = Box((x + 0.7, z - 0.1), 0.6, 0.9, (226, 200, 60))
        return [(z, person(self.place.view, x, z, look, pose)), (z - 0.1, box_sprite(self.place.view, trolley))]

    def _delivery(self, since_s: float, look: Appearance) -> Placed:
        if self.place.vans:
            return self._van(self.place.vans, since_s, _VAN_M_PER_S)
        way = self.place.paths[0]
        carrier = self._on_the_way(way, since_s * 1.0, look)
        if not carrier:
            return []
        share = since_s / hypot(way[1][0] - way[0][0], way[1][1] - way[0][1])
        at = (way[0][0] + share * (way[1][0] - way[0][0]) + 0.6, way[0][1] + share * (way[1][1] - way[0][1]) - 0.1)
        return [*carrier, (at[1], box_sprite(self.place.view, Box(at, 0.8, 1.1, (150, 110, 70))))]

    def _van(self, way: tuple[Ground, Ground], since_s: float, speed: float) -> Placed:
        (x1, z1), (x2, _) = way
        x = min(max(x1, x2), min(x1, x2) + since_s * speed)
        return [(z1, vehicle(self.place.view, x, z1, 1))]

    def _fall(self, path: tuple[Ground, Ground], since_s: float, look: Appearance) -> Placed:
        """Walks, falls where the path is in the middle of the picture, and lies."""
        (x1, z1), (x2, z2) = path
        lean = 86.0 * min(1.0, max(0.0, (since_s - _FALLS_AFTER_S) / _FALLS_S)) ** 1.5
        walked = min(since_s, _FALLS_AFTER_S) * _WALK_M_PER_S
        share = 0.4 + walked / hypot(x2 - x1, z2 - z1)
        x, z = x1 + share * (x2 - x1), z1 + share * (z2 - z1)
        stride = 2 * pi * walked / (_STRIDE * look.height_m)
        pose = Pose(stride, swing=1.0 if lean == 0 else 0.3, side=1.0, lean_deg=lean)
        return [(z, person(self.place.view, x, z, look, pose))]

    def _leave(self, path: tuple[Ground, Ground], since_s: float, look: Appearance) -> Placed:
        """Walks by and leaves a case behind, beside the path."""
        (x1, z1), (x2, z2) = path
        case = Box(((x1 + x2) / 2 + 0.5, (z1 + z2) / 2 + 0.6), 0.7, 0.6, (40, 40, 120))
        left: Placed = [(case.at[1], box_sprite(self.place.view, case))] if since_s >= _LEAVES_AFTER_S else []
        half = hypot(x2 - x1, z2 - z1) / 2
        return [*self._on_the_way(path, half + (since_s - _LEAVES_AFTER_S) * _WALK_M_PER_S, look), *left]


def _entered(path: tuple[Ground, Ground]) -> tuple[Ground, Ground]:
    """The path from where it is well in the picture."""
    (x1, z1), (x2, z2) = path
    return (x1 + 0.2 * (x2 - x1), z1 + 0.2 * (z2 - z1)), (x2, z2)


def _middle(place: Place) -> float:
    (_, near), (_, far) = place.paths[0]
    return (near + far) / 2 + 1.2


def _corner(place: Place) -> Ground:
    z = place.wall_z * 0.8
    return place.view.half_width_m(z) * 0.55, z


def _rain(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Streaks, in place."""
    for x, y, length in rng.uniform((0, 0, 6), (WIDTH, HEIGHT, 14), (70, 3)):
        cv2.line(picture, (int(x), int(y)), (int(x - 1), int(y + length)), (170.0, 176.0, 184.0), 1)
