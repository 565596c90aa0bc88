"""The shift of a picture is found, whatever the light; a thing that came is none."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.frames.registration import Shift, shift_between

_NOISE = np.random.default_rng(8)
_TILES = np.kron(_NOISE.integers(30, 220, (15, 20)), np.ones((6, 8))).astype(np.uint8)
ROOM = np.asarray(cv2.GaussianBlur(_TILES, (0, 0), 0.8), np.uint8)


def seen(picture: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(picture + _NOISE.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, -2), (2, 2), (-8, 5)])
def test_a_shift_is_found_as_a_share_of_the_picture(right: int, down: int) -> None:
    shift = shift_between(seen(ROOM), seen(np.roll(ROOM, (down, right), axis=(0, 1))))
    assert shift is not None
    assert shift.near(Shift(right / ROOM.shape[1], down / ROOM.shape[0]), 0.003)


def test_it_is_found_in_other_light_too() -> None:
    darker = 0.6 * np.roll(ROOM, (0, 3), axis=(0, 1)) + 10
    assert shift_between(seen(ROOM), seen(darker)) is not None


def test_a_thing_that_came_other_light_and_another_scene_are_no_shift() -> None:
    shelf = ROOM.copy()
    shelf[30:70, 90:130] = 200
    assert shift_between(seen(ROOM), seen(shelf)) is None
    assert shift_between(seen(ROOM), seen(0.6 * ROOM)) is None
    assert shift_between(seen(ROOM), seen(ROOM[::-1, ::-1])) is None
    assert shift_between(seen(ROOM), seen(ROOM[:-1])) is None
