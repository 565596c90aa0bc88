"""An articulated figure: walking, running, falling, lying."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np

from patchwatch.demo.scene.sprite import Canvas, Colour, Point, Sprite
from patchwatch.demo.scene.view import View

_TOPS: tuple[Colour, ...] = (
    (176, 58, 46), (40, 84, 130), (220, 214, 200), (58, 96, 72), (84, 66, 104), (202, 150, 62), (46, 48, 54),
    (120, 134, 150), (150, 96, 82), (226, 226, 230),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = ((38, 44, 62), (60, 58, 56), (98, 88, 72), (30, 32, 36), (74, 92, 118))
_SKINS: tuple[Colour, ...] = ((236, 198, 170), (206, 160, 126), (150, 106, 78), (104, 72, 54))
_HAIRS: tuple[Colour, ...] = ((44, 34, 28), (92, 66, 40), (26, 24, 26), (168, 132, 78), (130, 126, 122))

# Body measures as fractions of the height.
_HIP, _SHOULDER, _HEAD, _HEAD_RADIUS = 0.52, 0.81, 0.925, 0.066
_THIGH, _SHIN, _UPPER_ARM, _FOREARM = 0.26, 0.26, 0.17, 0.16


@dataclass(frozen=True)
class Appearance:
    """Height, build and clothes of one person."""

    height_m: float
    breadth: float
    top: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    bag: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Appearance:
        def pick(colours: tuple[Colour, ...]) -> Colour:
            return colours[int(rng.integers(len(colours)))]

        height = float(np.clip(rng.normal(1.72, 0.08), 1.5, 1.92))
        breadth = float(rng.uniform(0.9, 1.12))
        return cls(height, breadth, pick(_TOPS), pick(_TROUSERS), pick(_SKINS), pick(_HAIRS), bool(rng.random() < 0.3))


@dataclass(frozen=True)
class Pose:
    """The posture of a person at one moment.

    ``stride`` is the phase of the gait in radians, ``swing`` its size (0 standing, 1 walking, 1.6 running).
    ``side`` is 1 when seen from the side and 0 from the front or back, its sign the direction across the picture;
    ``lean_deg`` tips the whole body over its feet, in that direction.
    """

    stride: float
    swing: float = 1.0
    side: float = 1.0
    lean_deg: float = 0.0
    bent_arms: bool = False


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(channel * factor)) for channel in colour)
    return red, green, blue


@dataclass(frozen=True)
class _Skeleton:
    """Turns body coordinates (forward, up; shares of the height) into picture coordinates."""

    foot: Point
    height_px: float
    pose: Pose

    def at(self, forward: float, up: float, across: float = 0.0) -> Point:
        side = self.pose.side
        x, y = forward * side + across * (1 - abs(side)), up
        angle = radians(self.pose.lean_deg) * (1 if side >= 0 else -1)
        turned_x, turned_y = x * cos(angle) + y * sin(angle), y * cos(angle) - x * sin(angle)
        return self.foot[0] + turned_x * self.height_px, self.foot[1] - turned_y * self.height_px

    def bob(self) -> float:
        """The body sinks a little when the legs are apart."""
        return -0.012 * self.pose.swing * abs(sin(self.pose.stride))

    def leg(self, phase: float, across: float) -> list[Point]:
        swing = self.pose.swing
        thigh = radians(24) * swing * sin(phase) + radians(4) * swing
        knee = radians(12) * swing + radians(38) * swing * max(0.0, sin(phase + 0.45 * pi)) ** 2
        hip_up = _HIP + self.bob()
        knee_f, knee_up = sin(thigh) * _THIGH, hip_up - cos(thigh) * _THIGH
        foot_f, foot_up = knee_f + sin(thigh - knee) * _SHIN, knee_up - cos(thigh - knee) * _SHIN
        return [
            self.at(0, hip_up, across), self.at(knee_f, knee_up, across), self.at(foot_f, max(0.0, foot_up), across),
            self.at(foot_f + 0.05, max(0.0, foot_up - 0.005), across),
        ]  # fmt: skip

    def arm(self, phase: float, across: float) -> list[Point]:
        swing = self.pose.swing
        upper = radians(20) * swing * sin(phase)
        bend = radians(85) if self.pose.bent_arms else radians(14) + radians(10) * max(0.0, sin(phase))
        top = _SHOULDER - 0.02 + self.bob()
        elbow_f, elbow_up = sin(upper) * _UPPER_ARM, top - cos(upper) * _UPPER_ARM
        hand_f, hand_up = elbow_f + sin(upper + bend) * _FOREARM, elbow_up - cos(upper + bend) * _FOREARM
        return [self.at(0, top, across), self.at(elbow_f, elbow_up, across), self.at(hand_f, hand_up, across)]


def person(view: View, x: float, z: float, appearance: Appearance, pose: Pose) -> Sprite:
    """Draw a person whose feet stand at (x, z) in metres."""
    foot = view.project(x, z)
    height_px = appearance.height_m * view.scale(z)
    canvas = Canvas(
        foot[0] - 1.08 * height_px, foot[1] - 1.05 * height_px, foot[0] + 1.08 * height_px, foot[1] + 0.16 * height_px
    )
    bones = _Skeleton(foot, height_px, pose)
    thick = height_px * appearance.breadth
    far, near = -0.055, 0.055
    dark = 0.72
    canvas.limb(bones.arm(pose.stride, far * 2.1), 0.05 * thick, _shade(appearance.top, dark))
    _leg(canvas, bones.leg(pose.stride + pi, far), thick, appearance, dark)
    _leg(canvas, bones.leg(pose.stride, near), thick, appearance, 1.0)
    _torso(canvas, bones, thick, appearance)
    _arm(canvas, bones.arm(pose.stride + pi, near * 2.1), thick, appearance)
    _head(canvas, bones, height_px, appearance)
    return canvas.sprite(foot[1])


def _leg(canvas: Canvas, joints: list[Point], thick: float, appearance: Appearance, light: float) -> None:
    canvas.limb(joints[:2], 0.095 * thick, _shade(appearance.trousers, light))
    canvas.limb(joints[1:3], 0.075 * thick, _shade(appearance.trousers, light))
    canvas.limb(joints[2:], 0.05 * thick, (34, 30, 28))


def _arm(canvas: Canvas, joints: list[Point], thick: float, appearance: Appearance) -> None:
    canvas.limb(joints, 0.056 * thick, _shade(appearance.top, 0.88))
    canvas.disc(joints[-1], 0.028 * thick, appearance.skin)


def _torso(canvas: Canvas, bones: _Skeleton, thick: float, appearance: Appearance) -> None:
    bob = bones.bob()
    slim = (0.075 + 0.03 * (1 - abs(bones.pose.side))) * appearance.breadth
    shoulder, hip = _SHOULDER + bob, _HIP - 0.03 + bob

    def trunk(left: float, right: float, up: float) -> list[Point]:
        # The trunk is as broad in the picture from every side: undo the foreshortening of `at`.
        middle = bones.at(0, up)
        along = bones.at(0, up + 0.1)
        normal = ((along[1] - middle[1]) / 0.1, -(along[0] - middle[0]) / 0.1)
        return [(middle[0] + normal[0] * share, middle[1] + normal[1] * share) for share in (left, right)]

    low, high = trunk(-slim * 0.85, slim * 0.85, hip), trunk(-slim * 1.1, slim * 1.1, shoulder)
    canvas.polygon([low[0], low[1], high[1], high[0]], appearance.top)
    lit_low, lit_high = trunk(slim * 0.25, slim * 0.85, hip), trunk(slim * 0.3, slim * 1.1, shoulder)
    canvas.polygon([lit_low[0], lit_low[1], lit_high[1], lit_high[0]], _shade(appearance.top, 1.18))
    canvas.limb(high, 0.05 * thick, appearance.top)
    canvas.limb([bones.at(0, shoulder), bones.at(0.01, _HEAD + bob)], 0.05 * thick, _shade(appearance.skin, 0.85))
    if appearance.bag:
        bag = bones.at(-0.11, 0.68 + bob, -0.03)
        canvas.disc(bag, 0.062 * thick, _shade(appearance.trousers, 1.25), stretch=1.6)


def _head(canvas: Canvas, bones: _Skeleton, height_px: float, appearance: Appearance) -> None:
    centre = bones.at(0.012, _HEAD + bones.bob())
    canvas.disc(centre, _HEAD_RADIUS * height_px, appearance.skin, stretch=1.12, turn_deg=bones.pose.lean_deg)
    crown = bones.at(-0.012, _HEAD + 0.022 + bones.bob())
    canvas.disc(crown, _HEAD_RADIUS * 0.98 * height_px, appearance.hair, stretch=0.85, turn_deg=bones.pose.lean_deg)
