"""A capture is judged by what it delivers, while somebody looks."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.monitor import CaptureMonitor
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureReport, ReportKind

TIMEOUT_S = 2.0
LIMIT_S = 3 * TIMEOUT_S  # of a capture that has delivered


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(
        "workers.ingest.capture.monitor.time", SimpleNamespace(monotonic=clock.monotonic, time_ns=time.time_ns)
    )
    return clock


@pytest.fixture
def monitor(clock: Clock) -> CaptureMonitor:
    tracker = CaptureStatusTracker(Camera(id="c", source="push:"), 5.0, None, lambda: None)
    monitor = CaptureMonitor(tracker, timeout_s=TIMEOUT_S, quiet_s=1.0, live=True, memory_mb=1e6)
    monitor._update(CaptureReport(kind=ReportKind.PROGRESS, seq=1, last_frame_at_ms=1))
    return monitor


def check(monitor: CaptureMonitor, clock: Clock, for_s: float) -> Any:
    """The first failure found by checks a quarter of a second apart."""
    process = cast("CaptureProcess", SimpleNamespace(pid=os.getpid()))
    end_s = clock.now_s + for_s
    while clock.now_s < end_s:
        clock.now_s += 0.25
        if failure := monitor._failure(process):
            return failure
    return None


def test_a_capture_that_is_silent_for_long_is_killed(monitor: CaptureMonitor, clock: Clock) -> None:
    assert check(monitor, clock, LIMIT_S - 0.5) is None
    failure = check(monitor, clock, 2.0)
    assert failure.reason is Reason.TIMEOUT


def test_time_while_the_supervisor_was_suspended_is_not_silence(monitor: CaptureMonitor, clock: Clock) -> None:
    assert check(monitor, clock, 2.0) is None
    clock.now_s += 10 * LIMIT_S
    assert check(monitor, clock, LIMIT_S - 2.5) is None
    assert check(monitor, clock, 3.0).reason is Reason.TIMEOUT


def monitor_of(tracker: CaptureStatusTracker) -> CaptureMonitor:
    return CaptureMonitor(tracker, timeout_s=TIMEOUT_S, quiet_s=1.0, live=True, memory_mb=1e6)


def test_a_capture_that_waits_for_a_key_frame_says_so_and_stays(clock: Clock) -> None:
    tracker = CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None)
    monitor = monitor_of(tracker)
    for _ in range(240):
        monitor._update(CaptureReport(kind=ReportKind.PROGRESS, waits_for_key=True))
        assert check(monitor, clock, 0.5) is None
    assert tracker.current().state is CaptureState.CONNECTING
    assert tracker.current().reason is None
    assert "waiting for a key frame" in tracker.current().detail
    assert "interval" in tracker.current().detail
    monitor._update(CaptureReport(kind=ReportKind.PROGRESS, seq=1, last_frame_at_ms=1))
    assert tracker.state is CaptureState.LIVE


def test_one_that_gets_no_data_while_it_waits_is_killed(clock: Clock) -> None:
    monitor = monitor_of(CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None))
    monitor._update(CaptureReport(kind=ReportKind.PROGRESS, waits_for_key=True))
    assert check(monitor, clock, LIMIT_S + 20.0).reason is Reason.TIMEOUT
