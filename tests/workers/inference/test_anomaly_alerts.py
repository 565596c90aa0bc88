"""An event of a camera is one alert: it opens once, is updated as its peak rises, and closes once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.alarms.event_detector import Event
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alert import Alert, AlertChange
from patchwatch.messages.camera import Camera
from workers.inference.camera_state import CameraState
from workers.inference.commit import resume, state_to_store

OPENED = Event(started_s=10.0, opened_s=10.2, peak_s=10.2, peak_score=0.70, stream="motion", box_xyxy_px=None)
COURSE = [
    OPENED,
    replace(OPENED, peak_s=10.4, peak_score=0.72),  # too little to be told
    replace(OPENED, peak_s=10.6, peak_score=0.80),
    replace(OPENED, peak_s=10.8, peak_score=0.90),
    replace(OPENED, peak_s=10.8, peak_score=0.90, ended_s=15.0),
]


def camera() -> CameraState:
    return CameraState(Camera(id="gate"), CameraKeys.of("gate", 16), b"me:1")


def told(course: list[Event], at: CameraState) -> list[AlertChange]:
    changes = [at.update_alert(event, None) for event in course]
    assert {alert.id for alert, _ in changes} == {"gate-10000"}
    return [alert.change for alert, announce in changes if announce]


def test_subscribers_hear_of_one_opening_and_one_end() -> None:
    opened, *updates, closed = told(COURSE, camera())
    assert (opened, closed) == (AlertChange.OPEN, AlertChange.CLOSED)
    assert updates == [AlertChange.UPDATE, AlertChange.UPDATE]


@pytest.mark.parametrize("after", range(1, len(COURSE)))
def test_a_restart_opens_it_no_second_time(after: int) -> None:
    before = camera()
    first = told(COURSE[:after], before)
    stored = {b"seq": b"7", b"worker": json.dumps(state_to_store(before)).encode()}
    resumed = resume(before.camera, before.keys, b"you:2", stored, {})
    changes = first + told(COURSE[after:], resumed)
    assert changes.count(AlertChange.OPEN) == 1
    assert changes == told(COURSE, camera())


def test_opening_and_end_are_logged_in_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    told(COURSE, camera())
    assert caplog.messages == ["gate: anomaly: score 0.70, threshold 0.70", "gate: anomaly is over, its peak was 0.90"]


def test_an_alert_of_a_worker_that_did_not_count_is_an_opening() -> None:
    alert, _ = camera().update_alert(OPENED, None)
    older = alert.model_dump(exclude={"told"}, mode="json", exclude_none=True)
    assert Alert.decode(json.dumps(older)).change is AlertChange.OPEN
