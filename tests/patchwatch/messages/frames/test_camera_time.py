"""A camera's own time: whatever is done to clocks, its intervals are true, and all of it is found by the wall clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patchwatch.messages.frames.camera_time import CameraTime, Era, Eras, TimedFrame
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage

S = 1_000_000_000
START_S = 1_800_000_000.0
STEPS_S = [1.0, 45.0, 600.0, 3600.0, 400 * 86_400.0]
BOTH_WAYS = [sign * step for step in STEPS_S for sign in (1, -1)]


def frame(true_s: float, wall_s: float, *, media_s: float | None = None, again: bool = False) -> FrameMessage:
    """Captured ``true_s`` after the start, by a wall clock that is ``wall_s`` ahead."""
    flags = FrameFlag.LIVE | (FrameFlag.DISCONTINUITY if again else FrameFlag(0))
    captured_ns = round((START_S + true_s + wall_s) * 1000) * 1_000_000
    media_ns = round((true_s if media_s is None else media_s) * S)
    return FrameMessage(1, captured_ns, media_ns, 64, 64, 64, 64, flags, b"")


def test_without_any_step_own_time_is_the_wall_clocks() -> None:
    time = CameraTime()
    for n in range(100):
        message = frame(n / 5, 0.0, again=n == 0)
        assert time.take(message, n * S // 5) == message.captured_at_ns
    assert len(time.eras) == 1


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from(BOTH_WAYS), st.booleans()), max_size=10))
def test_intervals_are_true_whatever_is_done_to_the_wall_clock(settings: list[tuple[int, float, bool]]) -> None:
    """With the source's timestamps, and where a reconnect lets them begin again."""
    time, wall_s, number, media_from = CameraTime(), 0.0, 0, 0
    own = []
    for count, step_s, again in [(3, 0.0, True), *settings]:
        wall_s += step_s
        for n in range(count):
            media_from = number if again and n == 0 else media_from
            message = frame(number / 5, wall_s, media_s=(number - media_from) / 5, again=again and n == 0)
            own.append(time.take(message, number * S // 5))
            number += 1
    unsure = 15 * S + 2  # where timestamps begin again, so much may have been spent in the queue
    for a, b in pairwise(own):
        assert 0 < b - a <= unsure + S // 5
    assert sum(abs(b - a - S // 5) > 2_000_000 for a, b in pairwise(own)) <= sum(again for *_, again in settings)


@pytest.mark.parametrize("step_s", BOTH_WAYS)
def test_each_moment_is_found_by_what_the_wall_clock_showed(step_s: float) -> None:
    time, shown, own = CameraTime(), [], []
    for n in range(150):
        wall_s = step_s if 50 <= n < 100 else 0.0
        message = frame(n / 5, wall_s, again=n == 0)
        shown.append(message.captured_at_ns // 1_000_000)
        own.append(time.take(message, n * S // 5) // 1_000_000)
    assert own == sorted(set(own))
    assert own[-1] - own[0] == pytest.approx(149 * 200, abs=1100)
    for wall_ms, own_ms in zip(shown, own, strict=True):
        assert abs(time.eras.wall_ms(own_ms) - wall_ms) <= 1
        ranges = list(time.eras.own_ranges(wall_ms - 1, wall_ms + 1))
        assert sum(first <= own_ms <= last for first, last in ranges) == 1
    whole = list(time.eras.own_ranges(0, 2**52))
    assert all(b[0] > a[1] for a, b in pairwise(whole))
    assert sum(first <= own_ms <= last for own_ms in own for first, last in whole) == len(own)


def test_a_pause_that_was_watched_counts_in_full_and_one_that_was_not_a_minute_at_most() -> None:
    time = CameraTime()
    time.take(frame(0.0, 0.0, again=True), 0)
    assert time.take(frame(36_000.0, 0.0, media_s=0.0, again=True), 36_000 * S) == round((START_S + 36_000) * S)
    after = CameraTime(time.eras, time.last and time.last._replace(received_ns=None))
    later = after.take(frame(36_000.0 + 400 * 86_400, 0.0, media_s=0.0, again=True), 5)
    assert later == round((START_S + 36_060) * S)


def test_a_worker_that_is_restarted_goes_on_in_the_same_time() -> None:
    time = CameraTime()
    time.take(frame(0.0, 0.0, again=True), 0)
    time.take(frame(0.2, -45.0), S // 5)
    assert time.last is not None
    again = CameraTime(Eras.from_record(time.eras.encode()), TimedFrame(*time.last[:3], received_ns=None))
    assert again.take(frame(0.4, -45.0), 77) == pytest.approx((START_S + 0.4) * S, abs=2_000_000)
    assert len(again.eras) == 2


def test_a_clock_that_is_set_without_end_fills_no_memory() -> None:
    time = CameraTime()
    for n in range(2000):
        time.take(frame(n / 5, 100.0 * (n % 2), again=n == 0), n * S // 5)
    assert len(time.eras) <= 256
    time.eras.forget_before(2**60)
    assert len(time.eras) == 1


@pytest.mark.parametrize(
    "data", [None, b"", b"{", b"[[1]]", b'[["a", 2]]', b"[[1e99, 0]]", b"[[99999999999999999999, 0]]"]
)
def test_eras_that_cannot_be_read_count_as_none(data: bytes | None) -> None:
    assert list(Eras.from_record(data).own_ranges(5, 7_000)) == [(0, 8_000)]


def test_eras_survive_the_way() -> None:
    eras = Eras([Era(0, 0), Era(1000, -45_000)])
    assert eras.encode() == b"[[0,0],[1000,-45000]]"
    assert Eras.from_record(eras.encode()).wall_ms(1500) == 46_500
    assert eras.wall_ms(1500, since_ms=900) == 1500


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(-8_000, 8_000)), max_size=5),
    st.integers(0, 40_000),
    st.integers(0, 20_000),
)
@example([(5, 3_600), (2_000, 0)], 9_905, 3_600)
def test_a_query_covers_every_moment_of_its_period_whatever_was_set(
    steps: list[tuple[int, int]], from_ms: int, length_ms: int
) -> None:
    eras, own_ms = Eras(), 10_000
    for after_ms, shift_ms in steps:
        own_ms += after_ms
        eras.begin(own_ms, shift_ms)
    ranges = list(eras.own_ranges(from_ms, from_ms + length_ms))
    assert all(first <= last for first, last in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges)), "in order, and disjoint"
    for own in range(0, own_ms + 20_000, 250):
        if from_ms <= eras.wall_ms(own) <= from_ms + length_ms:
            assert sum(first <= own <= last for first, last in ranges) == 1


def test_the_first_frame_after_an_hour_behind_is_found_in_the_last_hour() -> None:
    eras = Eras()
    eras.begin(9_005_000, 3_600_000)
    eras.begin(9_007_000, 0)
    ranges = list(eras.own_ranges(5_408_500, 9_008_500))
    covering = [sum(first <= own <= last for first, last in ranges) for own in (9_004_000, 9_007_000, 9_008_000)]
    assert covering == [1, 1, 1]
