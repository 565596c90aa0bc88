"""A frame is old by how long it waited, not by what another host's clock says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from patchwatch.bus.clock import BusClock
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.camera_state import Arrivals
from workers.inference.queue_reader import FrameAge

MAX_AGE_S = 5.0


class Asked:
    """A Redis whose time is this host's."""

    def time(self) -> tuple[int, int]:
        now_us = time.time_ns() // 1000
        return now_us // 1_000_000, now_us % 1_000_000


def arrivals_of(observed_ago_s: float | None) -> Arrivals:
    """Frame 7 was not there yet so long ago."""
    arrivals = Arrivals()
    if observed_ago_s is not None:
        arrivals.observe(6, time.monotonic() - observed_ago_s)
    return arrivals


def frame(stamped_ago_s: float, late_s: float = 0.0, flags: FrameFlag = FrameFlag.LIVE) -> FrameMessage:
    at_ns = time.time_ns() - round(stamped_ago_s * 1e9)
    return FrameMessage(7, at_ns, 0, 64, 64, 64, 64, flags, b"", late_ms=round(late_s * 1000))


@pytest.fixture
def age() -> FrameAge:
    return FrameAge(Asked(), MAX_AGE_S, BusClock())


@pytest.mark.parametrize("wrong_s", [0.0, 45.0, -45.0, 3600.0, 400 * 86_400.0, -400 * 86_400.0])
def test_a_frame_that_came_a_moment_ago_is_fresh_whatever_its_stamp(age: FrameAge, wrong_s: float) -> None:
    assert not age.is_too_old(arrivals_of(0.3), frame(wrong_s))


@pytest.mark.parametrize("observed_ago_s", [None, 20.0])
def test_one_that_may_have_waited_is_judged_by_its_stamp(age: FrameAge, observed_ago_s: float | None) -> None:
    assert age.is_too_old(arrivals_of(observed_ago_s), frame(6.0))
    assert not age.is_too_old(arrivals_of(observed_ago_s), frame(4.0))


def test_one_that_was_captured_late_is_old_though_it_came_a_moment_ago(age: FrameAge) -> None:
    assert age.is_too_old(arrivals_of(0.3), frame(8.0, late_s=7.7))
    assert not age.is_too_old(arrivals_of(0.3), frame(3.0, late_s=2.7))


def test_of_a_recording_none_is_too_old(age: FrameAge) -> None:
    assert not age.is_too_old(arrivals_of(None), frame(1e6, flags=FrameFlag(0)))


def test_arrivals_are_bounded_and_on_the_safe_side() -> None:
    arrivals = Arrivals()
    assert arrivals.waited_at_most_s(1, 5.0) == float("inf")
    for n in range(10_000):
        arrivals.observe(n, n / 5)
    assert arrivals.waited_at_most_s(10_000, 2000.0) == pytest.approx(0.2)
    assert arrivals.waited_at_most_s(9_990, 2000.0) == pytest.approx(2000 - 9_989 / 5)
    assert arrivals.waited_at_most_s(1, 2000.0) == float("inf")


def test_how_late_a_frame_came_survives_the_way() -> None:
    message = frame(1.0, late_s=2.5)
    assert FrameMessage.decode(b"7-0", message.encode()) == message
    for damaged in (b"", b"x", b"-5", b"9" * 5000):
        fields: dict[bytes, Any] = {**message.encode(), b"l": damaged}
        assert FrameMessage.decode(b"7-0", fields).late_ms == 0
