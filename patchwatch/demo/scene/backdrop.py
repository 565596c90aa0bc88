"""The empty square: sky, houses, paving, lawns, trees. Drawn once."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.demo.scene.sprite import Canvas, Colour, Sprite
from patchwatch.demo.scene.view import View

LABEL = "SYNTHETIC SCENE"
_SUPERSAMPLING = 3
_PLACE_SEED = 7  # The place is the same for every seed of a scene; only the people differ.
_WALLS_Z = 36.0
_LAWNS = ((-16.0, -4.6, 18.6, 22.6), (6.4, 17.0, 18.6, 22.6))  # x from, to, z from, to (metres)
_TREES = ((-8.6, 20.6, 5.2), (-13.2, 20.4, 4.6), (9.4, 20.8, 5.4), (14.2, 20.2, 4.4))  # x, z, height
_LAMPS = ((-6.2, 14.4), (6.6, 14.4))
_BENCHES = ((-3.6, 18.2), (7.6, 18.2))
_WALLS: tuple[tuple[float, float, Colour], ...] = (  # from x, height, colour; the next one begins where it ends
    (-30.0, 7.6, (176, 150, 126)), (-20.0, 6.4, (158, 158, 152)), (-13.5, 8.2, (188, 132, 104)),
    (-5.0, 7.0, (204, 190, 164)), (4.2, 8.6, (150, 122, 108)), (12.0, 6.8, (196, 182, 172)),
    (20.5, 7.8, (166, 146, 136)),
)  # fmt: skip

Noise = NDArray[np.float32]


def backdrop(view: View) -> NDArray[np.uint8]:
    """RGB uint8 (height, width, 3) of the empty place, without what stands before people (see `furniture`)."""
    fine = view.times(_SUPERSAMPLING)
    rng = np.random.default_rng(_PLACE_SEED)
    picture = np.zeros((fine.height, fine.width, 3), np.float32)
    _sky(picture, fine, rng)
    _walls(picture, fine, rng)
    _ground(picture, fine, rng)
    drawn = np.clip(picture, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(drawn, (view.width, view.height), interpolation=cv2.INTER_AREA), np.uint8)


def label(picture: NDArray[np.uint8]) -> None:
    """Write in a corner, in place, that the picture is synthetic."""
    (width, height), _ = cv2.getTextSize(LABEL, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    box = picture[8 : 16 + height, 8 : 20 + width]
    box[:] = (box * 0.35).astype(np.uint8)
    origin = (14, 12 + height)
    cv2.putText(picture, LABEL, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 246, 214), 1, cv2.LINE_AA)


def _clouds(shape: tuple[int, int], rng: np.random.Generator, first: int, octaves: int = 5) -> Noise:
    """Smooth noise around 0 with a spread of about 1: sums of ever finer random grids."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cells = (max(2, first << octave), max(2, (first << octave) * shape[1] // shape[0]))
        grid = rng.normal(size=cells).astype(np.float32)
        total += cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC) / 2**octave
    return np.asarray(total / total.std(), np.float32)


def _sky(picture: Noise, view: View, rng: np.random.Generator) -> None:
    depth = int(view.horizon_px + view.scale(_WALLS_Z) * view.mast_m)
    share = np.linspace(0, 1, depth, dtype=np.float32)[:, None, None]
    high, low = np.array([112, 158, 208], np.float32), np.array([206, 220, 230], np.float32)
    sky = high * (1 - share) + low * share
    cover = np.clip(_clouds((depth, view.width), rng, 3) * 0.35 + 0.1, 0, 0.8)[..., None]
    picture[:depth] = sky * (1 - cover) + np.array([246, 246, 244], np.float32) * cover


def _walls(picture: Noise, view: View, rng: np.random.Generator) -> None:
    grain = _clouds((view.height, view.width), rng, 24, 3)[..., None] * 3
    for (left, height, colour), following in zip(_WALLS, (*_WALLS[1:], (30.0, 0.0, (0, 0, 0))), strict=True):
        _house(picture, view, (left, following[0], height), colour, rng)
    base = int(view.project(0, _WALLS_Z)[1])
    top = int(view.project(0, _WALLS_Z, 9)[1])
    picture[max(top, 0) : base] += grain[max(top, 0) : base]


def _fill(picture: Noise, view: View, box: tuple[float, float, float, float], colour: Colour) -> None:
    """A rectangle on the walls: x from, to, height from, to (metres)."""
    x1, y1 = view.project(box[0], _WALLS_Z, box[3])
    x2, y2 = view.project(box[1], _WALLS_Z, box[2])
    rows, columns = slice(max(0, round(y1)), max(0, round(y2))), slice(max(0, round(x1)), max(0, round(x2)))
    picture[rows, columns] = colour


def _house(
    picture: Noise, view: View, shape: tuple[float, float, float], colour: Colour, rng: np.random.Generator
) -> None:
    left, right, height = shape

    def tone(factor: float) -> Colour:
        return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))

    _fill(picture, view, (left, right, 0, height), colour)
    _fill(picture, view, (left, right, height - 0.3, height), tone(0.72))
    _fill(picture, view, (left, right, 0, 0.45), tone(0.62))
    _fill(picture, view, (left, left + 0.25, 0, height), tone(0.8))
    columns = int((right - left - 0.8) // 2.0)
    pitch = (right - left) / max(columns, 1)
    for column in range(columns):
        middle = left + pitch * (column + 0.5)
        for floor, sill in enumerate((3.3, 5.9)):
            if sill + 1.5 < height - 0.3:
                _window(picture, view, middle, sill, tone(1.14), bool(rng.random() < 0.25))
            elif floor == 1 and sill + 0.9 < height - 0.3:
                _fill(picture, view, (middle - 0.4, middle + 0.4, sill, sill + 0.7), (66, 78, 92))
        _shop(picture, view, middle, pitch, rng)


def _window(picture: Noise, view: View, middle: float, sill: float, frame: Colour, curtain: bool) -> None:
    _fill(picture, view, (middle - 0.6, middle + 0.6, sill - 0.12, sill + 1.55), frame)
    behind = (206, 200, 186) if curtain else (70, 84, 100)
    _fill(picture, view, (middle - 0.48, middle + 0.48, sill, sill + 1.45), behind)
    _fill(picture, view, (middle - 0.48, middle + 0.48, sill + 0.95, sill + 1.45), (118, 138, 158))
    _fill(picture, view, (middle - 0.04, middle + 0.04, sill, sill + 1.45), frame)


def _shop(picture: Noise, view: View, middle: float, pitch: float, rng: np.random.Generator) -> None:
    half = pitch * 0.4
    awnings: tuple[Colour, ...] = ((142, 56, 50), (52, 92, 82), (196, 158, 88), (70, 82, 112))
    _fill(picture, view, (middle - half, middle + half, 0.4, 2.3), (52, 58, 64))
    _fill(picture, view, (middle - half * 0.9, middle - half * 0.1, 0.6, 2.1), (112, 124, 128))
    _fill(picture, view, (middle + half * 0.1, middle + half * 0.9, 0.0, 2.1), (84, 66, 52))
    _fill(picture, view, (middle - half, middle + half, 2.2, 2.75), awnings[int(rng.integers(len(awnings)))])


def _ground(picture: Noise, view: View, rng: np.random.Generator) -> None:
    top = int(np.ceil(view.project(0, _WALLS_Z)[1]))
    rows = np.arange(top, view.height, dtype=np.float32)[:, None] + np.float32(0.5)
    z = np.float32(view.mast_m * view.focal_px) / (rows - np.float32(view.horizon_px))
    columns = np.arange(view.width, dtype=np.float32)[None] + np.float32(0.5 - view.width / 2)
    x = (columns * z / view.focal_px).astype(np.float32)
    z = np.broadcast_to(z, x.shape).astype(np.float32)
    stones = _paving(x, z, rng)
    for lawn in _LAWNS:
        _lawn(stones, x, z, lawn, rng)
    wear = _clouds(x.shape, rng, 4, 6)[..., None]
    grain = rng.normal(size=(*x.shape, 1)).astype(np.float32)
    shaded = 1 - 0.42 * np.clip((z - (_WALLS_Z - 3.2)) / 0.25, 0, 1)[..., None]  # the houses' own shadow
    picture[top:] = (stones + wear * 3.2 + grain * 5.0) * shaded


def _paving(x: Noise, z: Noise, rng: np.random.Generator) -> Noise:
    """Slabs of two sizes, each of its own tone, with joints that fade where they get too fine."""
    tones = rng.normal(size=(64, 64)).astype(np.float32)
    bands = (np.abs(z - 16.4) < 1.7) | (np.abs(z - 11.4) < 1.5)
    size_x, size_z = np.where(bands, 1.2, 0.8), np.where(bands, 0.6, 0.8)
    row = np.floor(z / size_z)
    along = x / size_x + 0.5 * (row % 2)
    column = np.floor(along)
    tone = tones[row.astype(int) % 64, column.astype(int) % 64]
    base = np.where(bands[..., None], np.array([196, 184, 166], np.float32), np.array([168, 162, 154], np.float32))
    near = np.clip(1.5 - z / 26, 0.25, 1)
    joint = (np.minimum(along - column, 1 - along + column) * size_x < 0.028) | ((z / size_z - row) * size_z < 0.05)
    return np.asarray(base + (tone * 9 * near - joint * 34 * near)[..., None], np.float32)


def _lawn(stones: Noise, x: Noise, z: Noise, lawn: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    left, right, near, far = lawn
    inside = (x > left) & (x < right) & (z > near) & (z < far)
    kerb = inside & ~((x > left + 0.2) & (x < right - 0.2) & (z > near + 0.25) & (z < far - 0.25))
    blades = rng.normal(size=x.shape).astype(np.float32) * 13 + _clouds(x.shape, rng, 8, 4) * 7
    tint = np.array([0.8, 1.0, 0.5], np.float32)
    stones[inside] = np.array([88, 118, 62], np.float32) + blades[inside][:, None] * tint
    stones[kerb] = (206, 202, 194)


def furniture(view: View) -> list[tuple[float, Sprite]]:
    """What people walk behind or before: (distance z, sprite)."""
    rng = np.random.default_rng(_PLACE_SEED + 1)
    sprites = [(z, _tree(view, x, z, height, rng)) for x, z, height in _TREES]
    sprites += [(z, _lamp(view, x, z)) for x, z in _LAMPS]
    sprites += [(z, _bench(view, x, z)) for x, z in _BENCHES]
    return sprites


def _tree(view: View, x: float, z: float, height: float, rng: np.random.Generator) -> Sprite:
    scale = view.scale(z)
    foot_x, foot_y = view.project(x, z)
    canvas = Canvas(
        foot_x - height * 0.5 * scale, foot_y - height * 1.08 * scale, foot_x + height * 0.5 * scale, foot_y + 3
    )
    canvas.limb([(foot_x, foot_y), (foot_x + 0.08 * scale, foot_y - height * 0.6 * scale)], 0.24 * scale, (84, 66, 50))
    crown_y = foot_y - height * 0.68 * scale
    leaves = rng.normal(size=(330, 3))
    leaves = leaves[np.hypot(leaves[:, 0], leaves[:, 1]) < 1.8]
    leaves[:, 2] = np.clip(leaves[:, 2], -1.5, 1.5)
    order = np.argsort(leaves[:, 1])  # the light ones, high up on the left, lie on top
    for across, up, tint in leaves[order]:
        centre = (foot_x + across * 0.15 * height * scale, crown_y - up * 0.125 * height * scale)
        light = 0.86 + 0.16 * up - 0.08 * across + 0.09 * tint
        colour = (int(74 * light), int(108 * light), int(56 * light))
        canvas.disc(centre, (0.1 + 0.03 * abs(tint)) * scale * 1.6, colour, stretch=0.8)
    return canvas.sprite(foot_y)


def _lamp(view: View, x: float, z: float) -> Sprite:
    scale = view.scale(z)
    foot_x, foot_y = view.project(x, z)
    canvas = Canvas(foot_x - 0.6 * scale, foot_y - 4.2 * scale, foot_x + 0.6 * scale, foot_y + 3)
    canvas.limb([(foot_x, foot_y), (foot_x, foot_y - 3.7 * scale)], 0.09 * scale, (52, 56, 58))
    canvas.limb([(foot_x, foot_y), (foot_x, foot_y - 0.5 * scale)], 0.17 * scale, (46, 50, 52))
    canvas.disc((foot_x, foot_y - 3.8 * scale), 0.17 * scale, (236, 228, 204))
    canvas.limb(
        [(foot_x - 0.2 * scale, foot_y - 3.96 * scale), (foot_x + 0.2 * scale, foot_y - 3.96 * scale)],
        0.07 * scale, (46, 50, 52),
    )  # fmt: skip
    return canvas.sprite(foot_y)


def _bench(view: View, x: float, z: float) -> Sprite:
    scale = view.scale(z)
    foot_x, foot_y = view.project(x, z)
    canvas = Canvas(foot_x - 1.1 * scale, foot_y - 1.0 * scale, foot_x + 1.1 * scale, foot_y + 3)
    for side in (-0.8, 0.8):
        leg_x = foot_x + side * scale
        canvas.limb([(leg_x, foot_y), (leg_x, foot_y - 0.8 * scale)], 0.09 * scale, (50, 52, 54))
    for up in (0.44, 0.66, 0.84):
        left, right = (foot_x - 0.95 * scale, foot_y - up * scale), (foot_x + 0.95 * scale, foot_y - up * scale)
        canvas.limb([left, right], 0.11 * scale, (128, 90, 58))
    return canvas.sprite(foot_y)
