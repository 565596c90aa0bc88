"""A capture is judged by what it delivers, while somebody looks."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, Reason
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
def watch(clock: Clock) -> CaptureMonitor:
    standing = CaptureStatusTracker(Camera(id="c", source="push:"), 5.0, None, lambda: None)
    watch = CaptureMonitor(standing, timeout_s=TIMEOUT_S, quiet_s=1.0, live=True, memory_mb=1e6)
    watch._take(CaptureReport(kind=ReportKind.PROGRESS, seq=1, last_frame_at_ms=1))
    return watch


def look(watch: CaptureMonitor, clock: Clock, for_s: float) -> Any:
    """The first verdict of looks a quarter of a second apart."""
    process = cast("CaptureProcess", SimpleNamespace(pid=os.getpid()))
    end_s = clock.now_s + for_s
    while clock.now_s < end_s:
        clock.now_s += 0.25
        if verdict := watch._verdict(process):
            return verdict
    return None


def test_a_capture_that_is_silent_for_long_has_to_go(watch: CaptureMonitor, clock: Clock) -> None:
    assert look(watch, clock, LIMIT_S - 0.5) is None
    verdict = look(watch, clock, 2.0)
    assert verdict.reason is Reason.TIMEOUT


def test_while_the_supervisor_itself_stood_still_nobody_was_silent(watch: CaptureMonitor, clock: Clock) -> None:
    assert look(watch, clock, 2.0) is None
    clock.now_s += 10 * LIMIT_S
    assert look(watch, clock, LIMIT_S - 2.5) is None
    assert look(watch, clock, 3.0).reason is Reason.TIMEOUT


def waiting(standing: CaptureStatusTracker) -> CaptureMonitor:
    return CaptureMonitor(standing, timeout_s=TIMEOUT_S, quiet_s=1.0, live=True, memory_mb=1e6)


def test_a_capture_that_waits_for_a_key_frame_says_so_and_stays(clock: Clock) -> None:
    standing = CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None)
    watch = waiting(standing)
    for _ in range(240):
        watch._take(CaptureReport(kind=ReportKind.PROGRESS, waits_for_key=True))
        assert look(watch, clock, 0.5) is None
    assert standing.state is CaptureState.CONNECTING
    assert standing.status().reason is None
    assert "waiting for a key frame" in standing.status().detail
    assert "interval" in standing.status().detail
    watch._take(CaptureReport(kind=ReportKind.PROGRESS, seq=1, last_frame_at_ms=1))
    assert standing.state is CaptureState.LIVE


def test_one_that_gets_no_data_while_it_waits_has_to_go(clock: Clock) -> None:
    watch = waiting(CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None))
    watch._take(CaptureReport(kind=ReportKind.PROGRESS, waits_for_key=True))
    assert look(watch, clock, LIMIT_S + 20.0).reason is Reason.TIMEOUT
