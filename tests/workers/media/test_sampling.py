"""Media time from lying timestamps, and which pictures are taken."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.media.video import MediaClock, Sampler, Wanted

PTS = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False)), max_size=60)


@given(PTS, st.booleans())
def test_media_time_rises_strictly_whatever_the_timestamps(pts: list[float | None], live: bool) -> None:
    clock = MediaClock(0.04, live)
    ticks = [tick for value in pts if (tick := clock.read(value)) is not None]
    assert all(b.media_time_s > a.media_time_s for a, b in pairwise(ticks))
    assert [tick.discontinuity for tick in ticks[:1]] == [True] * len(ticks[:1])


def test_good_timestamps_are_kept_exactly() -> None:
    clock = MediaClock(0.04, live=False)
    ticks = [clock.read(100 + n / 25) for n in range(100)]
    assert all(tick and abs(tick.media_time_s - n / 25) < 1e-9 for n, tick in enumerate(ticks))


def test_the_first_timestamps_of_a_camera_may_be_missing_and_negative() -> None:
    clock = MediaClock(0.04, live=True)
    ticks = [clock.read(pts) for pts in (None, -0.01, 0.03, 0.07)]
    assert [tick and round(tick.media_time_s, 6) for tick in ticks] == [0.0, 0.04, 0.08, 0.12]


def test_a_new_timeline_goes_on_after_the_old_one_with_a_discontinuity() -> None:
    clock = MediaClock(0.04, live=True)
    ticks = [clock.read(pts) for pts in (50.0, 50.04, 3.0, 3.04, 9000.0)]
    assert [tick and tick.discontinuity for tick in ticks] == [True, False, True, False, True]
    assert [tick and round(tick.media_time_s, 6) for tick in ticks] == [0.0, 0.04, 0.08, 0.12, 0.16]


def test_a_pause_in_a_file_keeps_its_length() -> None:
    clock = MediaClock(0.04, live=False)
    clock.read(0.0)
    tick = clock.read(60.0)
    assert tick is not None
    assert (tick.media_time_s, tick.discontinuity) == (60.0, True)


@given(st.integers(5, 120), st.floats(0.5, 30))
def test_never_more_than_the_analysis_rate_and_about_that_much(source_fps: int, fps: float) -> None:
    sampler = Sampler(fps)
    taken = sum(sampler.wants(n / source_fps) is not Wanted.NOT for n in range(source_fps * 20))
    assert taken <= 20 * fps + 1.1
    assert taken >= min(20 * fps - 2, source_fps * 20 * 0.49)


def test_a_jittering_camera_at_the_analysis_rate_loses_no_frame() -> None:
    sampler = Sampler(5.0)
    jitter = (0, -0.015, 0.01, -0.018, 0.015, -0.01)
    assert all(sampler.wants(n / 5 + jitter[n % 6]) is Wanted.TO_ANALYSE for n in range(300))


@given(st.integers(5, 120), st.sampled_from([2, 4, 8]), st.integers(0, 7))
def test_of_several_slots_one_is_analysed_and_the_one_before_it_precedes(fps: int, one_in: int, late: int) -> None:
    sampler = Sampler(5.0)
    sampler.one_in = one_in
    wanted = {n: sampler.wants(n / fps) for n in range(late, fps * 20)}
    taken = {n: want for n, want in wanted.items() if want is not Wanted.NOT}
    steps = list(pairwise(taken.items()))
    assert all({a, b} == {Wanted.TO_ANALYSE, Wanted.AS_PRECEDING} for (_, a), (_, b) in steps[1:])
    apart_s = [(b - a) / fps for (a, _), (b, then) in steps[1:] if then is Wanted.TO_ANALYSE]
    assert all(abs(apart - 0.2) <= 1 / fps + 1e-9 for apart in apart_s)
    analysed = sum(want is Wanted.TO_ANALYSE for want in taken.values())
    assert analysed == pytest.approx((20 - late / fps) * 5 / one_in, abs=2)


def test_a_camera_slower_than_a_slot_is_analysed_as_before_and_nothing_precedes() -> None:
    sampler = Sampler(5.0)
    sampler.one_in = 2
    assert {sampler.wants(n / 2) for n in range(40)} == {Wanted.TO_ANALYSE}


def test_every_slot_is_analysed_again_once_none_is_left_out() -> None:
    sampler = Sampler(5.0)
    sampler.one_in = 4
    for n in range(23):
        sampler.wants(n / 5)
    sampler.one_in = 1
    assert all(sampler.wants(n / 5) is Wanted.TO_ANALYSE for n in range(23, 60))


def test_a_recording_may_pause_for_hours_but_not_for_a_lifetime() -> None:
    clock = MediaClock(0.04, live=False)
    ticks = [clock.read(pts) for pts in (0.0, 7200.0, 2.0**40, 2.0**40 + 0.0625)]
    assert [tick and round(tick.media_time_s, 6) for tick in ticks] == [
        0.0,
        7200.0,
        7200.04,
        pytest.approx(7200.1025, abs=1e-3),
    ]
    assert [tick and tick.discontinuity for tick in ticks] == [True, True, True, False]
