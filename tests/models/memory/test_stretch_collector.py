"""Frames become stretches: bounded, thinned, and marked where they must not be learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stretches import DIMS, IDENTITY, SIZE, START_MS, some_features, some_stretch

from models.frames.frame import Features, Frame
from models.memory.stretches.stretch import STRETCH_S, Exclusion, Stretch
from models.memory.stretches.stretch_collector import StretchCollector
from models.profiles.profile import StreamKind

RNG = np.random.default_rng(0)
RGB = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def frame(at_s: float, rgb: np.ndarray = RGB) -> Frame:
    return Frame(rgb, at_s)


def collect(
    times_s: list[float], kind: StreamKind = StreamKind.PLACE, silent: tuple[int, ...] = ()
) -> StretchCollector:
    collector = StretchCollector([kind], IDENTITY)
    for n, at_s in enumerate(times_s):
        assert collector.fits(frame(at_s))
        collector.add(frame(at_s), START_MS + int(at_s * 1000), 0, [some_features(kind, RNG, 0 if n in silent else 1)])
    return collector


def test_place_is_sampled_twice_a_second_and_held_between() -> None:
    [place] = collect([n / 10 for n in range(21)]).finish().features
    samples = [n for n in range(21) if n == 0 or place[n] is not place[n - 1]]
    assert samples == [0, 5, 10, 15, 20]


def test_silence_is_neither_held_nor_held_over() -> None:
    [place] = collect([n / 10 for n in range(6)], silent=(0, 1, 3)).finish().features
    assert [len(features) > 0 for features in place] == [False, False, True, False, True, True]


def test_at_five_frames_a_second_every_frame_of_motion_is_kept() -> None:
    [motion] = collect([n / 5 for n in range(10)], StreamKind.MOTION).finish().features
    assert len({id(features) for features in motion}) == 10


def test_a_kept_vector_is_within_half_a_step_of_the_frames_own() -> None:
    own = some_features(StreamKind.PLACE, RNG)
    collector = StretchCollector([StreamKind.PLACE], IDENTITY)
    collector.add(frame(0.0), START_MS, 0, [own])
    [[kept]] = collector.finish().features
    assert float(np.abs(kept.vectors.astype(np.float32) - own.vectors).max()) <= 2.0**-7
    np.testing.assert_array_equal(kept.boxes_xyxy_px, own.boxes_xyxy_px)


@pytest.mark.parametrize(
    ("then", "fits"),
    [(frame(5.1), True), (frame(5.0), False), (frame(4.0), False), (frame(15.1), False), (frame(35.1), False)],
)
def test_a_frame_that_does_not_follow_belongs_to_another_stretch(then: Frame, fits: bool) -> None:
    assert collect([4.9, 5.0]).fits(then) is fits


def test_another_size_of_picture_is_another_stretch() -> None:
    assert not collect([0.0]).fits(frame(0.1, np.zeros((90, 90, 3), np.uint8)))


def test_a_stretch_ends_after_half_a_minute_or_sooner_where_asked() -> None:
    short = StretchCollector([StreamKind.GLOBAL], IDENTITY, length_s=10.0)
    long = StretchCollector([StreamKind.GLOBAL], IDENTITY, length_s=99.0)
    for collector, seconds in ((short, 10.0), (long, STRETCH_S)):
        at_s = 0.0
        while collector.fits(frame(at_s)):
            collector.add(frame(at_s), START_MS, 0, [some_features(StreamKind.GLOBAL, RNG)])
            at_s += 1.0
        assert collector.finish().seconds == seconds


def test_a_crowd_ends_a_stretch_early() -> None:
    crowd = Features.ungrouped(np.ones((600, 1536), np.float32), np.ones((600, 4), np.float32))
    collector = StretchCollector([StreamKind.LOCAL], IDENTITY)
    count = 0
    while collector.fits(frame(count / 10)):
        collector.add(frame(count / 10), START_MS, 0, [crowd])
        count += 1
    assert count == 4


def test_frames_are_excluded_in_retrospect() -> None:
    collector = collect([n / 1.0 for n in range(10)])
    collector.exclude(7.0, Exclusion.ALERT)
    collector.exclude(8.5, Exclusion.HIGH)
    stretch = collector.finish()
    assert stretch.excluded.tolist() == [0] * 7 + [1, 1, 5]
    assert stretch.learnable.tolist() == [True] * 7 + [False] * 3
    assert collector.reasons == Exclusion.ALERT | Exclusion.HIGH


def test_an_operators_word_counts_more_than_what_we_saw() -> None:
    words = [Exclusion.ALERT, Exclusion.ALERT | Exclusion.CONFIRMED, Exclusion.REJECTED | Exclusion.CONFIRMED]
    stretch = some_stretch(frames=3, excluded=words)
    assert stretch.learnable.tolist() == [False, True, False]


def test_the_highest_rarity_leaves_out_what_is_excluded_or_unknown() -> None:
    collector = StretchCollector([StreamKind.GLOBAL], IDENTITY)
    assert math.isnan(collector.highest)
    for n, (score, excluded) in enumerate([(0.2, 0), (math.nan, 0), (0.9, 1), (0.4, 0)]):
        parts = [some_features(StreamKind.GLOBAL, RNG)]
        collector.add(frame(n / 5), START_MS, 0, parts, score=score, excluded=Exclusion(excluded))
    assert collector.highest == 0.4
    assert not collector.wholly_excluded


def test_thumbnails_show_the_first_frame_and_then_one_each_five_seconds() -> None:
    stretch = collect([n / 2 for n in range(31)]).finish()
    assert [thumbnail.frame for thumbnail in stretch.thumbnails] == [0, 10, 20, 30]
    assert all(thumbnail.jpeg.startswith(b"\xff\xd8") for thumbnail in stretch.thumbnails)


def test_a_stretch_of_columns_that_do_not_match_cannot_be_made() -> None:
    stretch = some_stretch()
    for name, wrong in (
        ("runs", stretch.runs[:-1]),
        ("features", stretch.features[:-1]),
        ("times_s", stretch.times_s * 0),
    ):
        with pytest.raises(ValueError, match="stretch"):
            Stretch(**{**vars(stretch), name: wrong})
    assert DIMS[StreamKind.PLACE] == 48
