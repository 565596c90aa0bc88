"""Region-based and track-based detection against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from patchwatch.evaluation.statistics.region_criterion import (
    Box,
    DetectionCurve,
    Region,
    RegionTally,
    iou,
    tally_regions,
)

HERE, THERE = (0.0, 0.0, 0.2, 0.2), (0.5, 0.5, 0.7, 0.7)


def area(tally: RegionTally, kind: str) -> float:
    return DetectionCurve.of([getattr(tally, kind)], [tally]).area(np.ones(1))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (HERE, 1.0),
        (THERE, 0.0),
        ((0.2, 0.0, 0.4, 0.2), 0.0),  # they touch
        ((0.1, 0.0, 0.3, 0.2), 1 / 3),
        ((0.0, 0.0, 0.4, 0.4), 0.25),
    ],
)
def test_intersection_over_union(other: Box, expected: float) -> None:
    assert iou(HERE, other) == pytest.approx(expected)


def test_a_detection_that_overlaps_by_a_tenth_finds_and_less_is_a_false_positive() -> None:
    regions = [Region(1, (0.0, 0.0, 1.0, 1.0), 1), Region(2, (0.0, 0.0, 1.0, 1.0), 1)]
    tally = tally_regions(regions, [((0.0, 0.0, 0.1, 1.0), 0.9), ((0.0, 0.0, 0.09, 1.0), 0.8)])
    assert tally == RegionTally(2, (0.9, None), (0.9,), (0.8,))


def test_one_detection_may_find_several_regions_of_its_frame() -> None:
    tally = tally_regions([Region(1, HERE, 1), Region(1, HERE, 2), Region(1, THERE, 3)], [(HERE, 0.5)])
    assert tally == RegionTally(1, (0.5, 0.5, None), (0.5, 0.5, None), ())


def test_frames_without_a_detection_count_as_frames_only() -> None:
    assert tally_regions([Region(2, HERE, 1)], [None, None, (HERE, 0.4)]) == RegionTally(3, (None,), (None,), (0.4,))


def test_a_track_is_found_where_a_tenth_of_its_regions_are() -> None:
    """Of 30 regions three have to be found, so the third highest score counts; of 31 four."""
    scores = [0.9, 0.8, 0.7, 0.6]
    for length, expected in ((10, 0.9), (11, 0.8), (30, 0.7), (31, 0.6), (41, None)):
        regions = [Region(frame, HERE, 1) for frame in range(1, length + 1)]
        detections = [(HERE, score) for score in scores] + [None] * (length - len(scores))
        assert tally_regions(regions, detections).tracks == (expected,), length


def test_the_areas_of_a_small_example() -> None:
    """Four frames: found at 0.9, false at 0.8, found at 0.7, false at 0.6; one of three regions is never found.

    Rate over false positives per frame: (0, 1/3), (1/4, 1/3), (1/4, 2/3), (1/2, 2/3), and 2/3 up to 1.
    """
    regions = [Region(1, HERE, 1), Region(3, HERE, 1), Region(4, THERE, 2)]
    tally = tally_regions(regions, [(HERE, 0.9), (HERE, 0.8), (HERE, 0.7), (HERE, 0.6)])
    assert tally == RegionTally(4, (0.9, 0.7, None), (0.9, None), (0.8, 0.6))
    assert area(tally, "regions") == pytest.approx(0.25 * 1 / 3 + 0.75 * 2 / 3)
    assert area(tally, "tracks") == pytest.approx(0.5)


def test_what_scores_alike_is_found_at_once() -> None:
    """(0, 0) to (1/2, 1) in one step, then 1: a triangle and a square."""
    tally = RegionTally(2, (0.5, 0.5), (0.5,), (0.5,))
    assert area(tally, "regions") == pytest.approx(0.5 * 0.5 + 0.5)


def test_beyond_one_false_positive_per_frame_nothing_counts() -> None:
    """One frame, found only after the second false positive: half way up to one false positive per frame is 0."""
    assert area(RegionTally(1, (0.1,), (0.1,), (0.9, 0.8)), "regions") == 0.0
    assert area(RegionTally(2, (0.5,), (0.5,), (0.9, 0.5, 0.5, 0.5)), "regions") == pytest.approx(0.5 * 0.5 / 3)


def test_a_perfect_detector_has_one_and_a_silent_one_has_nothing() -> None:
    assert area(RegionTally(2, (0.9, 0.8), (0.9,), ()), "regions") == 1.0
    assert area(RegionTally(2, (None, None), (None,), ()), "regions") == 0.0
    assert np.isnan(area(RegionTally(2, (), (), (0.5,)), "regions"))


def test_a_clip_that_counts_twice_is_as_two_clips() -> None:
    one, other = RegionTally(2, (0.9, None), (0.9,), (0.4,)), RegionTally(3, (0.3,), (0.3,), (0.8, 0.2))
    twice = DetectionCurve.of([one.regions, other.regions], [one, other]).area(np.array([2.0, 1.0]))
    listed = DetectionCurve.of([one.regions, one.regions, other.regions], [one, one, other]).area(np.ones(3))
    assert twice == pytest.approx(listed)
