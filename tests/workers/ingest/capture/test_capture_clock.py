"""Capture times: intervals are the source's own, and capture times follow the wall clock when it is set."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.capture.capture_clock import Arrival, FileClock, LiveClock

S = 1_000_000_000
START = 1_800_000_000 * S
DAY_S = 86_400.0
STEPS_S = [1.0, 45.0, 600.0, 3600.0, 400 * DAY_S]


def arrival(monotonic_s: float, wall_s: float = 0.0) -> Arrival:
    """The wall clock is ``wall_s`` ahead of what it should be."""
    return Arrival(round(monotonic_s * S), START + round(wall_s * S))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10), st.booleans()), max_size=60))
def test_live_stamps_rise_strictly_while_nobody_sets_the_wall_clock(steps: list[tuple[float, float, bool]]) -> None:
    clock, media_s, now_s, stamps = LiveClock(), 0.0, 0.0, []
    for media_step_s, step_s, discontinuity in steps:
        media_s += media_step_s + 0.001
        now_s += step_s
        stamps.append((clock.stamp(media_s, arrival(now_s), discontinuity).captured_at_ns, START + now_s * S))
    assert all(b > a for (a, _), (b, now_ns) in pairwise(stamps) if a <= now_ns + S / 2)


@given(st.lists(st.floats(0, 0.3), min_size=2, max_size=100))
def test_arrival_jitter_hardly_moves_the_stamps(delays_s: list[float]) -> None:
    clock = LiveClock()
    stamps = [clock.stamp(n / 5, arrival(n / 5 + d), n == 0).captured_at_ns for n, d in enumerate(delays_s)]
    for a, b in pairwise(stamps):
        assert abs((b - a) / S - 0.2) <= 0.2 * 0.05 + 1e-6


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from([sign * step for step in STEPS_S[1:] for sign in (1, -1)])),
        max_size=8,
    )
)
def test_wherever_the_wall_clock_is_set_stamps_follow_at_once_and_intervals_stay(
    settings: list[tuple[int, float]],
) -> None:
    clock, wall_s, frame = LiveClock(), 0.0, 0
    for count, step_s in [(5, 0.0), *settings]:
        wall_s += step_s
        stamps = []
        for _ in range(count):
            stamp = clock.stamp(frame / 5, arrival(frame / 5, wall_s), frame == 0)
            assert abs(stamp.captured_at_ns - (START + (frame / 5 + wall_s) * S)) < S // 100
            assert stamp.late_ns < S // 100
            stamps.append(stamp.captured_at_ns)
            frame += 1
        assert all(abs(b - a - S // 5) <= S // 50 for a, b in pairwise(stamps))


@pytest.mark.parametrize("step_s", [-0.4, -0.15, 0.15, 0.4])
def test_a_wall_clock_that_is_slewed_hardly_changes_an_interval(step_s: float) -> None:
    clock = LiveClock()
    stamps = [clock.stamp(n / 5, arrival(n / 5, step_s if n >= 5 else 0.0), n == 0) for n in range(100)]
    for a, b in pairwise(stamps):
        assert abs((b.captured_at_ns - a.captured_at_ns) / S - 0.2) <= 0.2 * 0.11
    assert abs(stamps[-1].captured_at_ns - (START + (99 / 5 + step_s) * S)) < S // 10


@pytest.mark.parametrize("step_s", [sign * step for step in STEPS_S for sign in (1, -1)])
def test_lag_is_distinguished_from_a_clock_that_was_set(step_s: float) -> None:
    clock = LiveClock()
    for n in range(20):
        clock.stamp(n / 5, arrival(n / 5), n == 0)
    late = clock.stamp(4.0, arrival(11.0, step_s), False)
    assert 6.9 < late.late_ns / S < 7.1
    assert abs(late.captured_at_ns - (START + (4.0 + step_s) * S)) < S // 2 + abs(min(abs(step_s), 1.0)) * S


def test_a_drifting_camera_is_followed_for_hours() -> None:
    clock = LiveClock()
    for n in range(5 * 3600 * 4):
        media_s = n / 5
        stamp = clock.stamp(media_s, arrival(media_s * 1.0011), n == 0).captured_at_ns  # 16 s in 4 h
        assert abs(stamp - START - media_s * 1.0011 * S) < S


def test_lag_that_grows_stays_visible() -> None:
    clock = LiveClock()
    for n in range(500):
        stamp = clock.stamp(n / 5, arrival(n / 5 * 1.1), n == 0)
    assert START + round(499 / 5 * 1.1 * S) - stamp.captured_at_ns > 8 * S
    assert stamp.late_ns > 8 * S


def test_a_reconnect_anchors_again_and_never_goes_back() -> None:
    clock = LiveClock(last_ns=START + S // 4)
    first = clock.stamp(0.0, arrival(0.0), discontinuity=True).captured_at_ns
    assert first > START + S // 4
    assert clock.stamp(0.2, arrival(60.0), discontinuity=True).captured_at_ns == START + 60 * S


@pytest.mark.parametrize("ahead_s", STEPS_S)
def test_a_wall_clock_that_was_set_back_before_a_reconnect_is_believed(ahead_s: float) -> None:
    clock = LiveClock(last_ns=START + round(ahead_s * S))
    stamps = [clock.stamp(n / 5, arrival(n / 5), n == 0).captured_at_ns for n in range(5)]
    assert stamps == [START + n * S // 5 for n in range(5)]


def file_clock(last_ns: int | None = None) -> FileClock:
    return FileClock(START, START, now_ns=START, last_ns=last_ns)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50))
def test_a_files_stamps_differ_exactly_as_its_media_time(times_s: list[float]) -> None:
    clock = file_clock()
    for at_s in times_s:
        assert clock.stamp(at_s, START) == START + round(at_s * S)


def test_a_file_read_again_comes_after_the_time_before() -> None:
    assert file_clock(last_ns=START + S // 4).stamp(0.0, START) > START + S // 4


@pytest.mark.parametrize("ahead_s", STEPS_S)
def test_a_file_is_not_held_up_by_stamps_of_a_clock_that_was_set_back(ahead_s: float) -> None:
    assert file_clock(last_ns=START + round(ahead_s * S)).stamp(0.0, START) == START
    clock = file_clock()
    assert clock.stamp(1.0, START + round(ahead_s * S)) == START + S + round(ahead_s * S)
    assert clock.stamp(1.2, START) == START + round(1.2 * S)
