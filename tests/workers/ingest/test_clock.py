"""Capture times."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.clock import FileClock, LiveClock

S = 1_000_000_000
START = 1_800_000_000 * S


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-100, 100), st.booleans()), max_size=60))
def test_live_stamps_rise_strictly_unless_the_wall_clock_was_set_far_back(
    steps: list[tuple[float, float, bool]],
) -> None:
    clock, media_s, now_ns, stamps = LiveClock(), 0.0, START, []
    for media_step_s, wall_step_s, discontinuity in steps:
        media_s += media_step_s + 0.001
        now_ns += round(wall_step_s * S / 10)
        stamps.append((clock.stamp(media_s, now_ns, discontinuity), now_ns))
    assert all(b > a for (a, _), (b, now_ns) in pairwise(stamps) if a <= now_ns + 60 * S)


@given(st.lists(st.floats(0, 0.3), min_size=2, max_size=100))
def test_arrival_jitter_hardly_moves_the_stamps(delays_s: list[float]) -> None:
    clock = LiveClock()
    stamps = [clock.stamp(n / 5, START + round((n / 5 + d) * S), n == 0) for n, d in enumerate(delays_s)]
    for a, b in pairwise(stamps):
        assert abs((b - a) / S - 0.2) <= 0.2 * 0.05 + 1e-6


def test_a_drifting_camera_is_followed_for_hours() -> None:
    clock = LiveClock()
    for n in range(5 * 3600 * 4):
        media_s = n / 5
        now_ns = START + round(media_s * 1.0011 * S)  # 16 s in 4 h
        stamp = clock.stamp(media_s, now_ns, n == 0)
        assert abs(stamp - now_ns) < S


def test_lag_that_grows_stays_visible() -> None:
    clock = LiveClock()
    for n in range(500):
        stamp = clock.stamp(n / 5, START + round(n / 5 * 1.1 * S), n == 0)
    assert START + round(499 / 5 * 1.1 * S) - stamp > 8 * S


def test_a_reconnect_anchors_anew_and_never_goes_back() -> None:
    clock = LiveClock(last_ns=START + 5 * S)
    first = clock.stamp(0.0, START, discontinuity=True)
    assert first > START + 5 * S
    assert clock.stamp(0.2, START + 60 * S, discontinuity=True) == START + 60 * S


def test_a_wall_clock_set_back_by_an_hour_is_believed() -> None:
    assert LiveClock(last_ns=START + 3600 * S).stamp(0.0, START, discontinuity=True) == START


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50))
def test_a_files_stamps_differ_exactly_as_its_media_time(times_s: list[float]) -> None:
    clock = FileClock(START)
    for at_s in times_s:
        assert clock.stamp(at_s) == START + round(at_s * S)


def test_a_file_read_again_comes_after_the_time_before() -> None:
    assert FileClock(START, last_ns=START + S).stamp(0.0) > START + S
