"""Coverage counts held-out vectors near the bank, by place, and the verdict follows from it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter

from models.banks.coverage import (
    GRID,
    Coverage,
    CurvePoint,
    Spread,
    StreamCoverage,
    Sufficiency,
    covered_share,
    covering_radii,
    curve_point,
)
from models.frames.frame import Features

SIZE = (400, 200)


ELSEWHERE = Spread(np.full((2, 2), 9.0), 0.5)  # every vector below stands out


def features(*boxes: tuple[float, float, float, float], groups: tuple[int, ...] = ()) -> Features:
    table = np.array(boxes, np.float32).reshape(-1, 4)
    of = np.array(groups or (0,) * len(boxes), np.int32)
    return Features(np.zeros((len(table), 2), np.float32), table, of)


def standing_out() -> Features:
    return Features(np.array([[10.0, 0.0]], np.float32), np.array([[0, 0, 9, 9]], np.float32), np.zeros(1, np.int32))


def stream(covered: float | None, typical: float | None) -> StreamCoverage:
    curve = () if typical is None else (CurvePoint(0.2, 3.0, 3.0), CurvePoint(0.6, typical, 1.0))
    return StreamCoverage("local", 100, 100, 10, 1.0, 1.0, covered, None, curve)


def test_each_group_has_its_own_covering_radius() -> None:
    seen = [
        (np.array([0, 2, 2], np.int32), np.array([1.0, 5.0, 3.0], np.float32)),
        (np.array([0], np.int32), np.array([2.0], np.float32)),
    ]
    assert covering_radii(3, seen).tolist() == [2.0, 0.0, 5.0]


def test_a_vector_counts_for_the_region_its_box_is_centred_in() -> None:
    upper_left, lower_right = (10, 10, 30, 30), (380, 180, 420, 210)  # the latter reaches out of the picture
    result = features(upper_left, lower_right, lower_right, groups=(0, 1, 1))
    share, grid = covered_share(
        [(result, np.array([0.9, 1.9, 2.1], np.float32), SIZE)], np.array([1.0, 2.0], np.float32), ELSEWHERE
    )
    assert share == pytest.approx(2 / 3, abs=1e-4)
    assert grid is not None
    assert (grid[0][0], grid[3][3]) == (1.0, 0.5)
    assert sum(cell is not None for row in grid for cell in row) == 2


def test_what_does_not_stand_out_is_not_counted_and_the_spread_is_near() -> None:
    spread = Spread.from_frames(1, [features((0, 0, 10, 10))] * 9 + [standing_out()])
    assert spread.rms == pytest.approx(math.sqrt(9 / 10 * 100 / 10))
    calm, far = features((0, 0, 10, 10)), standing_out()
    radii = np.zeros(1, np.float32)
    for distance, share in ((2.9, 1.0), (3.1, 0.0)):
        frames = [(calm, np.array([99.0], np.float32), SIZE), (far, np.array([distance], np.float32), SIZE)]
        assert covered_share(frames, radii, spread)[0] == share


def test_the_spread_is_in_the_scales_of_the_groups_as_distances_are() -> None:
    frames = [features((0, 0, 9, 9), (0, 0, 9, 9), groups=(0, 1))] * 9 + [
        Features(np.array([[10, 0], [20, 0]], np.float32), np.zeros((2, 4), np.float32), np.array([0, 1], np.int32))
    ]
    spread = Spread.from_frames(2, frames, np.array([1.0, 2.0], np.float32))
    assert spread.rms == pytest.approx(3.0)
    assert spread.exceeded(frames[-1]).tolist() == [True, True]


def test_a_picture_that_never_changes_has_nothing_that_stands_out() -> None:
    still = [Features(np.full((1, 3), 0.1, np.float32), np.zeros((1, 4), np.float32), np.zeros(1, np.int32))] * 7
    spread = Spread.from_frames(1, still)
    assert covered_share([(still[0], np.zeros(1, np.float32), SIZE)], np.zeros(1, np.float32), spread) == (None, None)


def test_the_whole_picture_is_covered_or_not_but_nowhere_in_particular() -> None:
    whole = features((0, 0, *SIZE))
    assert covered_share([(whole, np.array([0.5], np.float32), SIZE)], np.ones(1, np.float32), ELSEWHERE) == (
        1.0,
        None,
    )
    assert covered_share([], np.ones(1, np.float32), ELSEWHERE) == (None, None)


@given(arrays(np.float32, (7, 4), elements=st.floats(-50, 500, width=32)))
def test_the_regions_add_up_whatever_the_boxes(boxes: np.ndarray) -> None:
    share, grid = covered_share(
        [(features(*boxes.tolist()), np.zeros(7, np.float32), SIZE)], np.ones(1, np.float32), ELSEWHERE
    )
    assert share == 1.0
    assert grid is None or all(cell in (None, 1.0) for row in grid for cell in row)
    assert grid is None or (len(grid), {len(row) for row in grid}) == (GRID, {GRID})


def test_the_curve_compares_the_same_frames() -> None:
    most = np.array([math.nan] * 5 + [1.0, 2.0] * 15)
    point = curve_point(0.4, most * 1.5, most)
    assert point == CurvePoint(0.4, 1.5, 1.5)
    assert curve_point(0.4, most[:20] * 1.5, most[:20]) is None


def test_what_brings_a_third_of_the_frames_nearer_counts_although_the_median_frame_stays_where_it_was() -> None:
    most = np.array([1.0] * 60 + [0.5] * 30)
    point = curve_point(0.6, np.ones(90), most)
    assert point is not None
    assert point.typical == pytest.approx(90 / 75, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "streams", "verdict"),
    [
        (119.0, [stream(1.0, 1.0)], Sufficiency.TOO_SHORT),
        (120.0, [stream(1.0, 1.0)], Sufficiency.COMPLETE),
        (600.0, [stream(1.0, 1.0), stream(0.84, 1.0)], Sufficiency.STILL_LEARNING),
        (600.0, [stream(1.0, 1.2)], Sufficiency.STILL_LEARNING),
        (600.0, [stream(0.05, None)], Sufficiency.TOO_SHORT),
        (600.0, [stream(1.0, 0.9), stream(None, None), stream(0.0, None)], Sufficiency.COMPLETE),
    ],
)
def test_the_verdict_is_that_of_the_weakest_stream(
    seconds: float, streams: list[StreamCoverage], verdict: Sufficiency
) -> None:
    assert Coverage.from_streams(seconds, int(5 * seconds), 5, streams).verdict is verdict


def test_facts_come_back_from_json() -> None:
    grid = ((None, 0.5, 1.0, 1.0),) * 4
    coverage = Coverage.from_streams(
        90.0, 450, 5, [StreamCoverage("local", 3, 4, 1, 0.5, 0.6, 0.9, grid, (CurvePoint(0.2, 2.0, 2.0),))]
    )
    assert TypeAdapter(Coverage).validate_json(json.dumps(coverage.facts()), strict=True) == coverage
