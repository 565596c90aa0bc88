"""What is black for privacy is no covered lens, and hides neither a covered one nor a frozen picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.frames.view import View, ViewMask
from models.tampering.condition import ConditionKind
from models.tampering.detector import TamperingDetector
from models.tampering.judged_cells import ALL_CELLS, judged_cells

FPS = 2
MOST = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.82), (0.0, 0.82))  # all but the lowest row of cells
HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
_GROUND = np.random.default_rng(1).integers(40, 200, (12, 16, 3)).astype(np.float32)
GROUND = np.kron(_GROUND, np.ones((15, 20, 1), np.float32))  # 180 x 320, of large stones


def view_of_scene(number: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(number).normal(0, 3, GROUND.shape)
    return np.clip(GROUND + noise, 0, 255).astype(np.uint8)


def found(picture_at: Callable[[int], NDArray[np.uint8]], view: View, seconds: int = 100) -> set[ConditionKind]:
    """The conditions that open while a camera with this view shows these pictures; what is hidden is black."""
    mask = ViewMask(view)
    detector, kinds = TamperingDetector(mask=mask), set[ConditionKind]()
    black = ViewMask(View(ignored=view.hidden))
    for number in range(seconds * FPS):
        check = detector.observe(Frame(black.seen(picture_at(number)), number / FPS))
        kinds |= {change.kind for change in check.changes}
    return kinds


@pytest.mark.parametrize("polygon", [HALF, MOST], ids=["half", "most"])
@pytest.mark.parametrize("kind", ["hidden", "ignored"])
def test_a_masked_part_is_no_condition(polygon: tuple[tuple[float, float], ...], kind: str) -> None:
    view = View(hidden=(polygon,)) if kind == "hidden" else View(ignored=(polygon,))
    assert found(view_of_scene, view) == set()


def test_before_there_were_masks_so_large_a_black_part_froze_the_picture() -> None:
    black = ViewMask(View(ignored=(MOST,)))
    detector, kinds = TamperingDetector(), set()
    for number in range(200):
        kinds |= {
            change.kind for change in detector.observe(Frame(black.seen(view_of_scene(number)), number / FPS)).changes
        }
    assert kinds, "what these tests guard against"


@pytest.mark.parametrize("polygon", [HALF, MOST], ids=["half", "most"])
def test_a_lens_covered_beside_the_black_part_is_found(polygon: tuple[tuple[float, float], ...]) -> None:
    def covered(number: int) -> NDArray[np.uint8]:
        return view_of_scene(number) if number < 60 * FPS else np.full_like(view_of_scene(number), 12)

    assert ConditionKind.COVERED in found(covered, View(hidden=(polygon,)))


@pytest.mark.parametrize("polygon", [HALF, MOST], ids=["half", "most"])
def test_a_frozen_picture_beside_the_black_part_is_found(polygon: tuple[tuple[float, float], ...]) -> None:
    assert found(lambda _: view_of_scene(0), View(hidden=(polygon,))) == {ConditionKind.FROZEN}


def test_a_screen_in_an_ignored_part_does_not_keep_a_frozen_picture_alive() -> None:
    def screen(number: int) -> NDArray[np.uint8]:
        rgb = view_of_scene(0)
        rgb[:, :160] = np.random.default_rng(number).integers(0, 255, (180, 160, 3), dtype=np.uint8)
        return rgb

    assert ConditionKind.FROZEN in found(screen, View(ignored=(HALF,)))
    assert ConditionKind.FROZEN not in found(screen, View())


def test_a_camera_that_is_turned_is_found_by_the_rest() -> None:
    def turned(number: int) -> NDArray[np.uint8]:
        rgb = view_of_scene(number)
        return rgb if number < 60 * FPS else np.roll(rgb, 130, axis=1)

    assert ConditionKind.SCENE_CHANGED in found(turned, View(hidden=(HALF,)))


def test_which_cells_are_judged() -> None:
    assert judged_cells(ViewMask()) is ALL_CELLS
    assert judged_cells(ViewMask(View(watched=(HALF,)))) is ALL_CELLS
    assert judged_cells(ViewMask(View(hidden=(HALF,)))).tolist() == [[False] * 4 + [True] * 4] * 6
    assert judged_cells(ViewMask(View(ignored=(HALF,)))).sum() == 24
    assert judged_cells(ViewMask(View(ignored=(MOST,)))).all(), "too few cells would be left"
    assert judged_cells(ViewMask(View(hidden=(MOST,)))).sum() == 8
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.99), (0.0, 0.99))
    assert not judged_cells(ViewMask(View(hidden=(everything,)))).any()


def test_where_no_cell_is_left_nothing_is_said() -> None:
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.99), (0.0, 0.99))
    assert found(lambda _: view_of_scene(0), View(hidden=(everything,))) == set()
