"""Ten places that a camera watches, and what each looks like when nobody is there. Everything is drawn by us."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.demo.scene.sprite import Canvas, Colour, Sprite
from patchwatch.demo.scene.view import View

WIDTH, HEIGHT = 320, 180
_SHADE = 0.75

Plane = NDArray[np.floating]
Ground = tuple[float, float]  # x to the right, z away from the camera, metres


@dataclass(frozen=True)
class Box:
    """A thing that stands on the ground: its middle, width and height in metres."""

    at: Ground
    width_m: float
    height_m: float
    colour: Colour


@dataclass(frozen=True)
class Place:
    """One camera's place. ``paths``: where people walk. ``forbidden``: a way that nobody takes. ``busy``: people a
    minute in the middle of a working day. ``vans``: where a delivery van drives, None where none can. ``view``: of the
    camera."""

    name: str
    indoor: bool
    view: View
    wall_z: float
    wall: Colour
    floor: Colour
    tile_m: float
    paths: tuple[tuple[Ground, Ground], ...]
    forbidden: tuple[Ground, Ground]
    busy: float
    vans: tuple[Ground, Ground] | None = None
    furniture: tuple[Box, ...] = ()


def _view(focal_px: float, horizon_px: float, mast_m: float) -> View:
    return View(WIDTH, HEIGHT, focal_px, horizon_px, mast_m)


_HIGH, _ROOM, _LOW = _view(210.0, 40.0, 5.0), _view(190.0, 30.0, 2.8), _view(230.0, 48.0, 3.6)
_GREY, _WOOD, _GREEN = (120, 124, 130), (132, 98, 66), (64, 92, 60)
PLACES = (
    Place("corridor", True, _ROOM, 14.0, (206, 202, 190), (136, 130, 122), 0.6, (((-0.8, 4.5), (0.8, 12.5)),),
          ((-3.4, 8.0), (-1.9, 11.5)), 3.0),
    Place("office", True, _ROOM, 9.0, (196, 204, 208), (122, 118, 128), 0.5, (((-6.0, 6.0), (6.0, 6.0)),),
          ((-3.0, 8.2), (3.0, 8.2)), 2.0, None, (Box((-2.4, 7.2), 1.6, 0.8, _WOOD), Box((2.2, 7.2), 1.6, 0.8, _WOOD))),
    Place("shop", True, _ROOM, 11.0, (214, 196, 170), (168, 160, 148), 0.4,
          (((-6.0, 5.5), (6.0, 5.5)), ((-5.5, 9.0), (5.5, 9.0))), ((3.6, 6.4), (3.6, 8.4)), 4.0, None,
          (Box((0.0, 7.4), 3.0, 1.3, _GREY),)),
    Place("store room", True, _LOW, 16.0, (168, 170, 160), (112, 110, 104), 1.0, (((-6.5, 7.0), (6.5, 9.5)),),
          ((-6.0, 14.0), (6.0, 14.0)), 1.0, None, (Box((-4.0, 12.0), 2.2, 2.4, _WOOD),)),
    Place("lobby", True, _HIGH, 18.0, (180, 160, 140), (158, 152, 150), 0.8,
          (((-8.5, 9.0), (8.5, 9.0)), ((0.0, 8.0), (1.0, 17.0))), ((-9.0, 15.0), (-3.5, 15.0)), 4.0),
    Place("yard", False, _HIGH, 26.0, (150, 132, 112), (126, 122, 114), 0.9, (((-11.0, 12.0), (11.0, 12.0)),),
          ((-13.0, 22.0), (10.0, 22.0)), 1.0, ((-13.0, 15.5), (13.0, 15.5)), (Box((6.0, 19.0), 3.0, 1.4, _GREEN),)),
    Place("road", False, _HIGH, 34.0, (164, 160, 150), (98, 98, 100), 2.5,
          (((-14.0, 13.0), (14.0, 13.0)), ((-15.0, 25.0), (15.0, 25.0))), ((2.0, 15.0), (2.0, 30.0)), 4.0,
          ((-17.0, 19.0), (17.0, 19.0))),
    Place("gate", False, _LOW, 22.0, (118, 124, 128), (134, 130, 120), 1.2, (((-3.0, 7.0), (1.0, 20.0)),),
          ((5.0, 10.0), (8.0, 20.0)), 1.5, ((-12.0, 14.0), (12.0, 14.0)), (Box((-5.0, 15.0), 2.4, 1.1, _GREEN),)),
    Place("car park", False, _HIGH, 30.0, (142, 148, 152), (108, 108, 108), 2.4, (((-13.0, 14.0), (13.0, 20.0)),),
          ((-14.0, 27.0), (14.0, 27.0)), 1.5, ((-16.0, 22.0), (16.0, 22.0)),
          (Box((-6.0, 17.0), 3.6, 1.4, (88, 40, 36)), Box((5.5, 24.0), 3.6, 1.4, (50, 66, 92)))),
    Place("playground", False, _HIGH, 28.0, (122, 138, 112), (152, 142, 108), 1.4,
          (((-11.0, 11.0), (11.0, 14.0)), ((-12.0, 18.0), (12.0, 18.0))), ((-13.0, 24.0), (-4.0, 24.0)), 2.5,
          ((-15.0, 21.0), (15.0, 21.0)), (Box((7.0, 20.0), 2.0, 2.4, (176, 58, 46)),)),
)  # fmt: skip
TURNS = ("yard", "office", "road", "shop", "gate", "corridor", "car park", "store room", "playground", "lobby")
SHELF = Box((0.0, 0.0), 1.1, 1.5, (146, 112, 74))


def backdrop(place: Place, seed: int) -> NDArray[np.uint8]:
    """RGB uint8 (HEIGHT, WIDTH, 3): ground, wall, and outdoors the sky."""
    rng, view = np.random.default_rng([seed, 11]), place.view
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None] + 0.5
    depth = np.where(
        rows > view.horizon_px + 1, view.mast_m * view.focal_px / np.maximum(rows - view.horizon_px, 1), 1e3
    )
    z = np.broadcast_to(depth, (HEIGHT, WIDTH))
    x = (np.arange(WIDTH, dtype=np.float32)[None] + 0.5 - WIDTH / 2) * z / view.focal_px
    picture = np.array(place.floor, np.float32) + _tiles(x, z, place.tile_m, rng)[..., None]
    base = round(view.project(0, place.wall_z)[1])
    picture[:base] = np.array(place.wall, np.float32) + _cloud(rng, 6.0)[:base, :, None]
    for _ in range(7):
        _opening(picture, place, float(rng.uniform(-1, 1)), bool(rng.random() < 0.5), rng)
    if not place.indoor:
        top = max(0, round(view.project(0, place.wall_z, 6.0)[1]))
        picture[:top] = (176, 198, 222)
    picture += _cloud(rng, 3.0)[..., None] + rng.normal(0, 3.0, (HEIGHT, WIDTH, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _tiles(x: Plane, z: Plane, size_m: float, rng: np.random.Generator) -> Plane:
    """Tiles of their own tones with joints, which fade where they get too fine to be seen."""
    tones = rng.normal(0, 7.0, (64, 64))
    row, column = np.floor(z / size_m), np.floor(x / size_m)
    joint = np.minimum(x / size_m - column, z / size_m - row) < 0.06
    near = np.clip(2.0 - z / 14.0, 0.15, 1.0)
    return np.asarray((tones[row.astype(int) % 64, column.astype(int) % 64] - 22.0 * joint) * near)


def _cloud(rng: np.random.Generator, spread: float) -> NDArray[np.float32]:
    coarse = rng.normal(0, spread, (6, 10)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)


def _opening(picture: Plane, place: Place, share: float, door: bool, rng: np.random.Generator) -> None:
    """A door or a window in the wall."""
    view, wall_z = place.view, place.wall_z
    middle, half = share * view.half_width_m(wall_z), 0.5 if door else 0.8
    low, high = (0.0, 2.1) if door else (1.0, 2.3)
    left, top = view.project(middle - half, wall_z, high)
    right, bottom = view.project(middle + half, wall_z, low)
    columns, rows = slice(max(0, round(left)), max(0, round(right))), slice(max(0, round(top)), max(0, round(bottom)))
    picture[rows, columns] = np.array(place.wall, np.float32) * rng.uniform(0.4, 0.8)


def box_sprite(view: View, box: Box) -> Sprite:
    """A box as the camera sees it."""
    scale, (x, foot) = view.scale(box.at[1]), view.project(*box.at)
    half, tall = box.width_m / 2 * scale, box.height_m * scale
    canvas = Canvas(x - half - 1, foot - tall - 2, x + half + 1, foot + 2)
    canvas.polygon([(x - half, foot), (x + half, foot), (x + half, foot - tall), (x - half, foot - tall)], box.colour)
    red, green, blue = (round(part * _SHADE) for part in box.colour)
    for level in (0.33, 0.66):
        canvas.limb([(x - half, foot - tall * level), (x + half, foot - tall * level)], 1.0, (red, green, blue))
    return canvas.sprite(foot)
