"""What counts in a picture: boxes by where they mostly lie, places by their centre, whatever the picture's size."""

from __future__ import annotations

import numpy as np
import pytest

from models.frames.raster import raster
from models.frames.touched_pixels import touched
from models.frames.view import View, ViewMask
from models.streams.motion_stream import CELLS, COLUMNS, cell_boxes
from models.streams.place_stream import place_boxes

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
LEFT_TENTH = ((0.0, 0.0), (0.1, 0.0), (0.1, 1.0), (0.0, 1.0))
SPECK = ((0.501, 0.501), (0.505, 0.501), (0.505, 0.505), (0.501, 0.505))  # between the centres of all places


def boxes(*corners: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(corners, np.float32)


def test_a_box_counts_unless_it_lies_mostly_where_nothing_does() -> None:
    mask = ViewMask(View(ignored=(LEFT_HALF,)))
    some = boxes((0, 0, 40, 40), (280, 0, 320, 40), (300, 0, 340, 40), (319, 0, 323, 40), (400, 0, 640, 360))
    assert mask.counts_boxes(some, 640, 360).tolist() == [False, False, True, True, True]
    assert ViewMask(View(watched=(LEFT_HALF,))).counts_boxes(some, 640, 360).tolist() == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert ViewMask(View(hidden=(LEFT_HALF,))).counts_boxes(some, 640, 360).tolist() == [False, False, True, True, True]
    assert mask.counts_boxes(np.zeros((0, 4), np.float32), 640, 360).shape == (0,)


def test_a_box_that_reaches_out_of_the_picture_is_judged_by_what_is_in_it() -> None:
    mask = ViewMask(View(ignored=(LEFT_HALF,)))
    assert mask.counts_boxes(boxes((-50, -10, 20, 400), (630, 350, 900, 900)), 640, 360).tolist() == [False, True]


@pytest.mark.parametrize("size", [(640, 360), (160, 96), (353, 288), (96, 160), (1920, 1080)])
def test_a_cell_counts_by_its_centre_whatever_the_size(size: tuple[int, int]) -> None:
    mask = ViewMask(View(ignored=(LEFT_HALF,)))
    counted = mask.counts_places(cell_boxes(*size), *size)
    columns = np.arange(CELLS) % COLUMNS
    assert counted.tolist() == ((columns + 1) / (COLUMNS + 1) >= 0.5).tolist()
    places = mask.counts_places(place_boxes(*size), *size)
    assert places.tolist() == (np.arange(len(places)) % 24 >= 12).tolist()


def test_a_watched_speck_between_all_centres_is_judged_by_what_reaches_into_it() -> None:
    mask = ViewMask(View(watched=(SPECK,)))
    counted = mask.counts_places(cell_boxes(640, 360), 640, 360)
    assert 1 <= counted.sum() <= 9
    touching = cell_boxes(640, 360)[counted]
    assert (touching[:, 0] < 0.505 * 640).all()
    assert (touching[:, 2] > 0.501 * 640).all()


def test_with_a_bank_of_other_zones_places_count_where_both_agree_and_not_beside_the_difference() -> None:
    cells = cell_boxes(640, 360)
    columns = np.arange(CELLS) % COLUMNS
    for view, learnt in ((View(ignored=(LEFT_HALF,)), View()), (View(), View(hidden=(LEFT_HALF,)))):
        mask = ViewMask(view, learnt)
        assert not mask.as_learnt
        counted = mask.counts_places(cells, 640, 360)
        assert not counted[columns <= 13].any(), "from a cell over the edge one sees what does not count any more"
        assert counted[columns >= 15].all()
    same = ViewMask(View(hidden=(LEFT_HALF,)), View(ignored=(LEFT_HALF,)))
    assert same.as_learnt, "ignored or black: neither counted"
    alone = ViewMask(View(ignored=(LEFT_HALF,)))
    assert (same.counts_places(cells, 640, 360) == alone.counts_places(cells, 640, 360)).all()


def test_a_small_watched_part_is_not_lost_for_being_near_its_own_edge() -> None:
    door = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    cells = cell_boxes(640, 360)
    counted = ViewMask(View(watched=(door,)), View()).counts_places(cells, 640, 360, reach=6.0)
    assert (counted == ViewMask(View(watched=(door,))).counts_places(cells, 640, 360)).all()
    assert counted.any()


def test_beside_what_turned_black_nothing_counts_for_a_bank_from_before() -> None:
    most = ((0.0, 0.0), (0.9, 0.0), (0.9, 1.0), (0.0, 1.0))
    cells = cell_boxes(640, 360)
    assert not ViewMask(View(hidden=(most,)), View()).counts_places(cells, 640, 360, reach=6.0).any()
    assert ViewMask(View(hidden=(most,))).counts_places(cells, 640, 360, reach=6.0).any(), "once it is learnt"


def test_streams_are_shown_what_they_were_shown_when_the_bank_was_learnt() -> None:
    rgb = np.full((48, 64, 3), 200, np.uint8)
    assert ViewMask(View(ignored=(LEFT_HALF,)), View()).seen(rgb) is rgb
    assert ViewMask(View(), View(ignored=(LEFT_HALF,))).seen(rgb)[:, :32].max() == 0
    assert ViewMask(View(), View(ignored=(LEFT_HALF,))).moves(64, 48)[:, :32].max() == 0


def test_the_picture_is_black_where_nothing_counts_and_itself_where_all_does() -> None:
    rgb = np.full((48, 64, 3), 200, np.uint8)
    assert ViewMask().seen(rgb) is rgb
    seen = ViewMask(View(ignored=(LEFT_HALF,))).seen(rgb)
    assert seen[:, :32].max() == 0
    assert seen[:, 34:].min() == 200
    assert rgb.min() == 200


def test_a_polygon_at_the_edges_of_the_picture_covers_its_edge() -> None:
    corner = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
    for width, height in ((640, 360), (34, 46), (2, 2)):
        filled = raster([corner], width, height)
        assert (filled[height // 2 :, width // 2 :] == 1).all()
        assert filled.sum() == width * height // 4
        grown = touched([corner], width, height, 2)
        assert (grown[max(0, height // 2 - 2) :, max(0, width // 2 - 2) :] == 1).all()


def test_many_sizes_are_not_remembered_for_ever() -> None:
    mask = ViewMask(View(ignored=(LEFT_TENTH,)))
    for side in range(40, 80):
        mask.moves(side, side)
        mask.seen(np.zeros((side, side, 3), np.uint8))
    assert len(mask._results) <= 8
