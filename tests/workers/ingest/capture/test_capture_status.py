"""A gap is time without frames at the camera, not time that a recording waited to be scored."""

from __future__ import annotations

import pytest

from patchwatch.messages.cameras.camera import Camera, Pace
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.protocol import CaptureReport, ReportKind


@pytest.mark.parametrize(
    ("camera", "gap"),
    [
        (Camera(id="door", source="rtsp://camera/x"), True),
        (Camera(id="door", source="file:/media/a.mp4", pace=Pace.REALTIME), True),
        (Camera(id="door", source="file:/media/a.mp4", pace=Pace.FAST), False),
    ],
)
def test_a_pause_is_a_gap_unless_a_recording_waits_for_the_queue(camera: Camera, gap: bool) -> None:
    tracker = CaptureStatusTracker(camera, 5.0, None, lambda: None)
    for at_ms, seq in ((1_000, 1), (1_200, 2), (21_200, 3)):
        tracker.update(CaptureReport(kind=ReportKind.PROGRESS, seq=seq, last_frame_at_ms=at_ms))
    last_gap = tracker.current().last_gap
    assert (last_gap is not None) == gap
    assert last_gap is None or (last_gap.from_ms, last_gap.to_ms) == (1_200, 21_200)


@pytest.mark.parametrize("step_ms", [45_000, -45_000, 400 * 86_400_000])
def test_a_clock_that_is_set_is_no_gap(step_ms: int) -> None:
    tracker = CaptureStatusTracker(Camera(id="door", source="rtsp://camera/x"), 5.0, None, lambda: None)
    for at_ms, monotonic_ms in ((50_000, 7_000), (50_200, 7_200), (50_400 + step_ms, 7_400)):
        tracker.update(
            CaptureReport(kind=ReportKind.PROGRESS, last_frame_at_ms=at_ms, last_frame_monotonic_ms=monotonic_ms)
        )
    assert tracker.current().last_gap is None
    tracker.update(
        CaptureReport(kind=ReportKind.PROGRESS, last_frame_at_ms=70_400 + step_ms, last_frame_monotonic_ms=27_400)
    )
    assert tracker.current().last_gap is not None
