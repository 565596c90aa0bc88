"""A camera whose frames fail to come is offline after the grace time, once, and never for want of looking."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Reason
from workers.inference.offline_detector import CaptureObservation, Offline, OfflineDetector

PULLED = Camera(id="door", source="rtsp://camera/1")
PUSHED = Camera(id="yard", source="push:")
AFTER_S = 30.0
EPOCH_MS = 1_800_000_000_000


def status(state: CaptureState, at_s: float, last_frame_s: float | None, **more: Any) -> CaptureStatus:
    last_ms = None if last_frame_s is None else EPOCH_MS + round(last_frame_s * 1000)
    at_ms = EPOCH_MS + round(at_s * 1000)
    return CaptureStatus(
        camera_id="door", state=state, since_ms=at_ms, updated_at_ms=at_ms, last_frame_at_ms=last_ms, **more
    )


def observe(
    detector: OfflineDetector, capture: CaptureStatus | None, at_s: float, camera: Camera = PULLED
) -> list[Offline]:
    change = detector.observe(camera, CaptureObservation(capture, at_s, EPOCH_MS + round(at_s * 1000)), AFTER_S)
    return [change] if change else []


def live(detector: OfflineDetector, seconds: range, camera: Camera = PULLED) -> list[Offline]:
    return [
        change for s in seconds for change in observe(detector, status(CaptureState.LIVE, s, s - 0.2), float(s), camera)
    ]


def away(
    detector: OfflineDetector, seconds: range, last_frame_s: float | None, camera: Camera = PULLED
) -> list[Offline]:
    gone = [
        status(CaptureState.OFFLINE, s, last_frame_s, reason=Reason.REFUSED, detail="nobody there") for s in seconds
    ]
    return [change for s, one in zip(seconds, gone, strict=True) for change in observe(detector, one, float(s), camera)]


def test_a_camera_that_goes_away_is_offline_from_its_last_frame_until_frames_come_again() -> None:
    detector = OfflineDetector()
    assert live(detector, range(60)) == []
    [opened] = away(detector, range(60, 120), 58.8)
    assert opened.started_ms == EPOCH_MS + 58_800
    assert 88_000 <= opened.opened_ms - EPOCH_MS <= 90_000
    assert opened.detail == "refused: nobody there"
    [closed] = live(detector, range(120, 125))
    assert (closed.started_ms, closed.ended_ms) == (opened.started_ms, EPOCH_MS + 119_800)


def test_a_short_absence_is_none() -> None:
    detector = OfflineDetector()
    changes = [live(detector, range(60)), away(detector, range(60, 85), 58.8), live(detector, range(85, 200))]
    assert changes == [[], [], []]


def test_a_dead_ingest_worker_makes_its_cameras_offline() -> None:
    detector = OfflineDetector()
    live(detector, range(60))
    left = status(CaptureState.LIVE, 59, 58.8)
    [opened] = [change for s in range(60, 120) for change in observe(detector, left, float(s))]
    assert "patchwatch run ingest" in opened.detail
    assert opened.started_ms == EPOCH_MS + 58_800


def test_a_camera_that_no_ingest_worker_has_taken_is_offline_after_the_grace_time() -> None:
    detector = OfflineDetector()
    [opened] = [change for s in range(40) for change in observe(detector, None, float(s))]
    assert (opened.started_ms, opened.opened_ms) == (EPOCH_MS, EPOCH_MS + 30_000)


def test_the_start_of_the_product_makes_nobody_offline() -> None:
    detector = OfflineDetector()
    eight_hours_ago = status(CaptureState.LIVE, -28_800, -28_800)
    assert [change for s in range(20) for change in observe(detector, eight_hours_ago, float(s))] == []
    assert live(detector, range(20, 100)) == []


def test_a_time_in_which_nobody_looked_does_not_count() -> None:
    detector = OfflineDetector()
    live(detector, range(60))
    assert away(detector, range(60, 62), 58.8) + away(detector, range(200, 229), 58.8) == []
    assert len(away(detector, range(229, 240), 58.8)) == 1


@pytest.mark.parametrize("state", [CaptureState.ENDED, CaptureState.DISABLED])
def test_a_file_that_ended_and_a_camera_switched_off_are_not_offline(state: CaptureState) -> None:
    detector = OfflineDetector()
    live(detector, range(10))
    assert [change for s in range(10, 100) for change in observe(detector, status(state, s, 9.8), float(s))] == []


def test_a_refused_password_is_offline() -> None:
    failed = [status(CaptureState.FAILED, s, None, reason=Reason.AUTH) for s in range(40)]
    detector = OfflineDetector()
    assert len([change for s, one in enumerate(failed) for change in observe(detector, one, float(s))]) == 1


def test_a_publisher_is_missed_only_once_it_was_there() -> None:
    detector = OfflineDetector()
    assert away(detector, range(100), None, PUSHED) == []
    assert [change for s in range(100, 200) for change in observe(detector, None, float(s), PUSHED)] == []
    live(detector, range(200, 220), PUSHED)
    assert len(away(detector, range(220, 300), 219.8, PUSHED)) == 1


def test_a_restart_neither_repeats_nor_loses_an_open_event() -> None:
    before = OfflineDetector()
    live(before, range(10))
    [opened] = away(before, range(10, 60), 9.8)
    after = OfflineDetector()
    after.restore(json.loads(json.dumps(before.state())))
    assert away(after, range(60, 200), 9.8) == []
    [closed] = live(after, range(200, 201))
    assert closed.started_ms == opened.started_ms


def test_one_event_ends_before_the_next_begins() -> None:
    detector = OfflineDetector()
    live(detector, range(10))
    [first] = away(detector, range(10, 60), 9.8)
    closed = detector.close(EPOCH_MS + 60_000)  # the camera is switched off, and on again without a frame
    [second] = away(detector, range(60, 100), 9.8)
    assert closed is not None
    assert first.started_ms < (closed.ended_ms or 0) <= second.started_ms


def test_the_reason_is_reported_even_when_the_grace_time_ends_during_another_attempt() -> None:
    detector = OfflineDetector()
    away(detector, range(30), None)
    [opened] = observe(detector, status(CaptureState.CONNECTING, 30, None), 30.0)
    assert opened.detail == "refused: nobody there"


def test_times_of_a_clock_that_was_set_back_are_not_gone_on_from() -> None:
    detector = OfflineDetector()
    detector.restore({"open": None, "ended": EPOCH_MS + 400 * 86_400_000})
    assert live(detector, range(60)) == []
    [opened] = away(detector, range(60, 120), 400 * 86_400.0)
    assert opened.started_ms <= opened.opened_ms <= EPOCH_MS + 120_000
