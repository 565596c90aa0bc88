"""A rendered fixed camera over a square where people walk. Deterministic; labelled as synthetic in the picture."""

from __future__ import annotations

from math import pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.demo.scene import backdrop
from patchwatch.demo.scene.person import Appearance, Pose, person
from patchwatch.demo.scene.script import Anomaly, AnomalyKind, Script
from patchwatch.demo.scene.sprite import Sprite, blend, blend_shadow
from patchwatch.demo.scene.vehicle import LENGTH_M, vehicle
from patchwatch.demo.scene.view import View
from patchwatch.demo.scene.walkers import WALKING_M_PER_S, walks

SCENE_FPS = 25
RUNNING_M_PER_S = 3.7
DRIVING_M_PER_S = 5.6
_RUN_Z, _DRIVE_Z, _FALL_Z, _FALL_X = 10.2, 13.7, 10.9, -0.6
_RUN_STRIDE_SHARE = 1.45
_APPROACH_S, _LIE_S, _RISE_S, _LEAVE_S = 9.0, 7.0, 2.6, 9.0
# A person who trips runs on while tipping over, and slides to rest.
_TRIP_M_PER_S, _TRIP_S, _TIP_FROM_S, _FALL_S = 3.0, 1.4, 0.25, 1.05
_NOISE_SD = 2.2

PlacedSprites = list[tuple[float, Sprite]]


class Scene:
    """One stretch of life on the square. ``seed`` decides who walks when; the place stays the same.

    The same seed and script give the same pictures. Two seeds are two ordinary days: the same distribution.
    """

    def __init__(self, seed: int, script: Script = (), view: View | None = None) -> None:
        self.view = view or View()
        self.script = tuple(script)
        self._seed = seed
        self._furniture = backdrop.furniture(self.view)
        self._empty = backdrop.backdrop(self.view)
        for _, sprite in self._furniture:
            blend_shadow(self._empty, sprite)
        height, width = self._empty.shape[:2]
        rng = np.random.default_rng([seed, 1])
        self._noise = (rng.normal(size=(height + 64, width + 64, 3)) * _NOISE_SD).round().astype(np.int8)

    def picture(self, t_s: float) -> NDArray[np.uint8]:
        """RGB uint8 (height, width, 3) at ``t_s`` seconds."""
        people = self._people(t_s)
        picture = self._empty.copy()
        for _, sprite in people:
            blend_shadow(picture, sprite)
        for _, sprite in sorted(people + self._furniture, key=lambda placed: -placed[0]):
            blend(picture, sprite)
        lit = self._sensor(picture, t_s)
        backdrop.label(lit)
        return lit

    def anomaly_at(self, t_s: float) -> Anomaly | None:
        """The scripted anomaly that is visible at ``t_s``, if any."""
        return next((anomaly for anomaly in self.script if anomaly.starts_at_s <= t_s < anomaly.ends_at_s), None)

    def _people(self, t_s: float) -> PlacedSprites:
        sprites: PlacedSprites = []
        for walk in walks(self._seed, t_s):
            place = walk.place(t_s)
            if place is not None:
                sprites.append((place[1], person(self.view, *place, walk.appearance, walk.pose(t_s))))
        for number, anomaly in enumerate(self.script):
            since = t_s - anomaly.starts_at_s
            if -_APPROACH_S <= since <= 30:
                sprites += self._perform(anomaly.kind, since, number)
        return sprites

    def _perform(self, kind: AnomalyKind, since_s: float, number: int) -> PlacedSprites:
        direction = 1 if number % 2 == 0 else -1
        appearance = Appearance.draw(np.random.default_rng([self._seed, 2, number]))
        if kind is AnomalyKind.RUN:
            return self._run(since_s, direction, appearance)
        if kind is AnomalyKind.VEHICLE:
            return self._drive(since_s, direction)
        return self._fall(since_s, direction, appearance)

    def _run(self, since_s: float, direction: int, appearance: Appearance) -> PlacedSprites:
        edge = self.view.half_width_m(_RUN_Z) + 0.6
        x = -edge + RUNNING_M_PER_S * since_s
        if not -edge <= x <= edge:
            return []
        stride = 2 * pi * x / (_RUN_STRIDE_SHARE * appearance.height_m)
        pose = Pose(stride, swing=1.75, side=float(direction), lean_deg=9.0, bent_arms=True)
        return [(_RUN_Z, person(self.view, x * direction, _RUN_Z, appearance, pose))]

    def _drive(self, since_s: float, direction: int) -> PlacedSprites:
        edge = self.view.half_width_m(_DRIVE_Z) + LENGTH_M / 2
        x = -edge + DRIVING_M_PER_S * since_s
        if not -edge <= x <= edge:
            return []
        return [(_DRIVE_Z, vehicle(self.view, x * direction, _DRIVE_Z, direction))]

    def _fall(self, since_s: float, direction: int, appearance: Appearance) -> PlacedSprites:
        """Walks in, trips at time 0 and falls, lies, gets up slowly and walks away."""
        lying_until, up_at = _FALL_S + _LIE_S, _FALL_S + _LIE_S + _RISE_S
        if since_s > up_at + _LEAVE_S:
            return []
        walked = min(since_s, 0.0) + max(0.0, since_s - up_at)
        swing = 1.0 if since_s < 0 or since_s > up_at else 1.5 if since_s < _FALL_S else 0.25
        if since_s <= _TIP_FROM_S or since_s >= up_at:
            lean = 0.0
        elif since_s < lying_until:
            lean = 86.0 * min(1.0, (since_s - _TIP_FROM_S) / (_FALL_S - _TIP_FROM_S)) ** 1.5
        else:
            lean = 86.0 * (1 - (since_s - lying_until) / _RISE_S) ** 1.3
        trip_s = min(_TRIP_S, max(0.0, since_s))
        tripped = _TRIP_M_PER_S * (trip_s - trip_s * trip_s / (2 * _TRIP_S))
        x = (walked * WALKING_M_PER_S + tripped + _FALL_X) * direction
        struggle = 1.3 * sin(5.0 * since_s) if _FALL_S < since_s < lying_until else 0.0
        stride = 2 * pi * (walked * WALKING_M_PER_S + tripped) / (0.84 * appearance.height_m) + struggle
        pose = Pose(stride, swing=swing, side=float(direction), lean_deg=lean)
        return [(_FALL_Z, person(self.view, x, _FALL_Z, appearance, pose))]

    def _sensor(self, picture: NDArray[np.uint8], t_s: float) -> NDArray[np.uint8]:
        """Slow changes of the light, and the noise of a small sensor."""
        gain = 1.0 + 0.035 * sin(2 * pi * t_s / 53) + 0.015 * sin(2 * pi * t_s / 17 + 1)
        rng = np.random.default_rng([self._seed, 3, round(t_s * 1000) & 0xFFFFFFFF])
        top, left = (int(offset) for offset in rng.integers(0, 64, size=2))
        height, width = picture.shape[:2]
        noise = self._noise[top : top + height, left : left + width]
        lit = cv2.convertScaleAbs(picture, alpha=gain)
        return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), np.uint8)
