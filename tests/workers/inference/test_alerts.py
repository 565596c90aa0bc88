"""An event of a camera is one alert: it opens once, is updated as its peak rises, and closes once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from walking_scene import clip, walkers

from models.alarms.event_detector import Event
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.frames.frame import Frame
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertKind, AlertState
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.analysis.recordings import Clip, learn
from workers.inference.alerts import ConditionAlerts
from workers.inference.camera_state import CameraState
from workers.inference.commit import resume, state_to_store
from workers.inference.scoring import decode_frame
from workers.media import jpeg_codec

OPENED = Event(started_s=10.0, opened_s=10.2, peak_s=10.2, peak_score=0.70, stream="motion", box_xyxy_px=None)
COURSE = [
    OPENED,
    replace(OPENED, peak_s=10.4, peak_score=0.72),  # too little to be told
    replace(OPENED, peak_s=10.6, peak_score=0.80),
    replace(OPENED, peak_s=10.8, peak_score=0.90),
    replace(OPENED, peak_s=10.8, peak_score=0.90, ended_s=15.0),
]


def camera() -> CameraState:
    return CameraState(Camera(id="gate"), CameraKeys.for_camera("gate", 16), b"me:1")


def announced(course: list[Event], at: CameraState) -> list[AlertChange]:
    changes = [at.update_alert(event, None) for event in course]
    assert {alert.id for alert, _ in changes} == {"gate-10000"}
    return [alert.change for alert, announce in changes if announce]


def test_subscribers_hear_of_one_opening_and_one_end() -> None:
    opened, *updates, closed = announced(COURSE, camera())
    assert (opened, closed) == (AlertChange.OPEN, AlertChange.CLOSED)
    assert updates == [AlertChange.UPDATE, AlertChange.UPDATE]


@pytest.mark.parametrize("after", range(1, len(COURSE)))
def test_a_restart_opens_it_no_second_time(after: int) -> None:
    before = camera()
    first = announced(COURSE[:after], before)
    stored = {b"seq": b"7", b"worker": json.dumps(state_to_store(before)).encode()}
    resumed = resume(before.camera, before.keys, b"you:2", stored, {})
    changes = first + announced(COURSE[after:], resumed)
    assert changes.count(AlertChange.OPEN) == 1
    assert changes == announced(COURSE, camera())


def test_opening_and_end_are_logged_in_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    announced(COURSE, camera())
    assert caplog.messages == ["gate: anomaly: score 0.70, threshold 0.70", "gate: anomaly is over, its peak was 0.90"]


@pytest.mark.parametrize(("flag", "opened"), [(FrameFlag.PREDICTED, []), (FrameFlag(0), [AlertKind.FROZEN])])
def test_a_picture_that_was_never_coded_anew_is_not_frozen_after_a_minute(
    flag: FrameFlag, opened: list[AlertKind]
) -> None:
    conditions, jpeg = ConditionAlerts(), jpeg_codec.encode(scene(0.0), 85)
    alerts: list[Alert] = []
    for n in range(70):
        message = FrameMessage(n + 1, n * 10**9, n * 10**9, WIDTH, HEIGHT, WIDTH, HEIGHT, FrameFlag.LIVE | flag, jpeg)
        alerts += conditions.observe_frame(Camera(id="gate"), decode_frame(message, n * 10**9))[1]
    assert [alert.kind for alert in alerts] == opened
    assert all("restart the camera" in alert.detail for alert in alerts)


def test_an_alert_is_provisional_if_it_opened_at_a_provisional_level(caplog: pytest.LogCaptureFixture) -> None:
    """It stays so, whatever is learnt while it is open; readers of before ignore the field."""
    at = camera()
    at.anomaly.provisional = True
    opened, _ = at.update_alert(COURSE[0], None)
    at.anomaly.provisional = False
    closed, _ = at.update_alert(COURSE[-1], None)
    assert (opened.provisional, closed.provisional, closed.state) == (True, True, AlertState.CLOSED)
    assert "gate: anomaly (provisional: little is known yet of what is normal): score 0.70" in caplog.text
    assert opened.version == 1


def test_an_alert_of_a_worker_that_did_not_count_is_an_opening() -> None:
    alert, _ = camera().update_alert(OPENED, None)
    older = alert.model_dump(exclude={"told"}, mode="json", exclude_none=True)
    assert Alert.decode(json.dumps(older)).change is AlertChange.OPEN


Run = Callable[..., Any]
START_NS = 1_800_000_000_000_000_000
COVERED = range(75, 100)


def alerts(queue: Any) -> list[Alert]:
    return [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(keys.ALERTS)]


def feed(queue: Any, numbers: range) -> None:
    """The scene of the bank, black for five seconds: its sudden change is as far from normal as can be."""
    for n in numbers:
        rgb = np.full((HEIGHT, WIDTH, 3), 3, np.uint8) if n in COVERED else scene(n / FPS)
        flags, jpeg = FrameFlag.DISCONTINUITY if n == 0 else FrameFlag(0), jpeg_codec.encode(rgb, 85)
        at_ns = START_NS + n * 10**9 // FPS
        message = FrameMessage(n + 1, at_ns, n * 10**9 // FPS, WIDTH, HEIGHT, WIDTH, HEIGHT, flags, jpeg)
        queue.client.xadd(queue.keys.frames, message.encode(), id=message.entry_id)


def taken(queue: Any) -> int:
    return int(queue.client.hget(queue.keys.state, "seq") or 0)


def shown(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.id, alert.kind.value, alert.state.value) for alert in alerts]


COVERED_ID = f"cam-covered-{START_NS // 1_000_000 + COVERED.start * 1000 // FPS}"
ONE_EVENT = [(COVERED_ID, "covered", "open"), (COVERED_ID, "covered", "closed")]


@pytest.mark.parametrize("cuts", [(), (80, 88, 105)], ids=["at once", "with restarts"])
def test_a_covered_lens_is_one_alert_and_no_anomaly(
    enrolled: Any, run_worker: Run, until: Run, cuts: tuple[int, ...]
) -> None:
    for start, stop in pairwise([0, *cuts, 140]):
        feed(enrolled, range(start, stop))
        with run_worker(enrolled.settings):
            until(lambda stop=stop: taken(enrolled) == stop)
    assert shown(alerts(enrolled)) == ONE_EVENT
    assert enrolled.scored() == 140, "the scores themselves are all there"
    [opened, closed] = alerts(enrolled)
    assert (opened.version, opened.peak_score, opened.threshold) == (2, None, None)
    assert "lens" in opened.detail
    assert closed.ended_at_ms == START_NS // 1_000_000 + COVERED.stop * 1000 // FPS
    assert enrolled.client.get(keys.alert_picture(COVERED_ID)).startswith(b"\xff\xd8")
    assert Alert.decode(enrolled.client.get(keys.alert(COVERED_ID))) == closed
    assert enrolled.client.zscore(keys.ALERTS_BY_TIME, COVERED_ID) == opened.started_at_ms


def test_a_camera_without_a_bank_is_watched_too(queue: Any, run_worker: Run, until: Run) -> None:
    queue.add_camera()
    feed(queue, range(140))
    with run_worker(queue.settings):
        until(lambda: queue.counters().get("dropped:no_bank") == 140)
    assert shown(alerts(queue)) == ONE_EVENT


def test_a_camera_that_is_switched_off_closes_what_is_open(queue: Any, run_worker: Run, until: Run) -> None:
    queue.add_camera()
    feed(queue, range(COVERED.stop))
    with run_worker(queue.settings):
        until(lambda: taken(queue) == COVERED.stop)
        queue.add_camera(enabled=False)
        until(lambda: len(alerts(queue)) == 2)
    assert shown(alerts(queue)) == ONE_EVENT


def test_stored_conditions_that_cannot_be_read_start_over_and_close_what_was_open(
    queue: Any, run_worker: Run, until: Run
) -> None:
    queue.add_camera()
    feed(queue, range(COVERED.stop))
    with run_worker(queue.settings):
        until(lambda: taken(queue) == COVERED.stop)
    stored = json.loads(queue.client.hget(queue.keys.state, "conditions"))
    offline = stored["alerts"][0] | {"id": "cam-offline-1", "kind": "offline"}
    stored["alerts"].append(offline)
    stored["watch"] = {"of": "another version"}
    queue.client.hset(queue.keys.state, "conditions", json.dumps(stored))
    feed(queue, range(COVERED.stop, 110))
    with run_worker(queue.settings):
        until(lambda: taken(queue) == 110 and len(alerts(queue)) == 3)
    assert {(kind, state) for _, kind, state in shown(alerts(queue)[1:])} == {
        ("covered", "closed"),
        ("offline", "closed"),
    }


def test_a_camera_whose_frames_stay_away_is_offline_until_they_come_again(
    queue: Any, run_worker: Run, until: Run
) -> None:
    def capture(state: CaptureState) -> None:
        now_ms = time.time_ns() // 1_000_000
        last_ms = now_ms if state is CaptureState.LIVE else now_ms - 1500
        record = CaptureStatus(
            camera_id="cam", state=state, since_ms=now_ms, updated_at_ms=now_ms, last_frame_at_ms=last_ms, detail="gone"
        )
        queue.client.set(queue.keys.capture, record.encode())

    def kept(state: CaptureState, count: int) -> bool:
        capture(state)
        return len(alerts(queue)) == count

    queue.add_camera()
    settings = queue.settings.changed(offline_after_s=2.0)
    with run_worker(settings):
        until(lambda: kept(CaptureState.OFFLINE, 1))
    with run_worker(settings):  # another worker takes over: the event goes on
        until(lambda: kept(CaptureState.LIVE, 2))
    [opened, closed] = alerts(queue)
    assert (opened.kind, opened.state, closed.state) == (AlertKind.OFFLINE, AlertState.OPEN, AlertState.CLOSED)
    assert opened.id == closed.id == f"cam-offline-{opened.started_at_ms}"
    assert opened.detail == "gone"
    assert closed.ended_at_ms is not None
    assert closed.ended_at_ms > opened.opened_at_ms > opened.started_at_ms


def test_a_camera_whose_pictures_come_too_seldom_is_blind_and_its_status_says_so(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    for n in range(30):
        enrolled.frame(n, media_ns=2 * n * 10**9)

    def status() -> AnalysisStatus:
        return AnalysisStatus.decode(enrolled.client.get(enrolled.keys.analysis))

    with run_worker(enrolled.settings):
        until(lambda: enrolled.client.exists(enrolled.keys.analysis) and status().condition is not None)
        condition = status().condition
        for n in range(30, 180):
            enrolled.frame(n, media_ns=60 * 10**9 + (n - 30) * 10**9 // FPS)
        until(lambda: status().condition is None)
    [opened, closed] = alerts(enrolled)
    assert (opened.kind, closed.kind, closed.state) == (AlertKind.BLIND, AlertKind.BLIND, AlertState.CLOSED)
    assert condition is not None
    assert (condition.kind, condition.since_ms) == (AlertKind.BLIND, opened.started_at_ms)
    assert "2.0 s apart" in condition.detail


def test_a_touring_camera_is_told_how_often_its_picture_jumps() -> None:
    """Two seconds a view, of which places are silent in the first."""
    conditions, opened = camera().conditions, []
    for n in range(60 * FPS):
        frame = Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), n / FPS, discontinuity=n % (2 * FPS) == 0)
        opened += conditions.observe_score(Camera(id="gate"), frame, silent=n % (2 * FPS) < FPS)
    [alert] = opened
    assert alert.kind is AlertKind.BLIND
    assert "the picture jumps about every" in alert.detail
    assert "--mute place" in alert.detail
    assert conditions.blocking is not None
    assert conditions.blocking.detail == alert.detail


def test_a_camera_that_is_scored_no_more_is_blind_no_more(enrolled: Any, run_worker: Run, until: Run) -> None:
    for n in range(30):
        enrolled.frame(n, media_ns=2 * n * 10**9)
    with run_worker(enrolled.settings):
        until(lambda: len(alerts(enrolled)) == 1)
        enrolled.settings.bank_path("cam", "motion").unlink()
        until(lambda: len(alerts(enrolled)) == 2)
    [opened, closed] = alerts(enrolled)
    assert (opened.kind, opened.state) == (AlertKind.BLIND, AlertState.OPEN)
    assert (closed.id, closed.state) == (opened.id, AlertState.CLOSED)


def test_a_camera_that_was_turned_while_off_is_reported_and_is_no_anomaly(
    queue: Any, run_worker: Run, until: Run
) -> None:
    bank = learn(Engine(load_profile("motion")), [Clip("walk", 30.0, [clip(1, 30.0)])], count=1)
    save_bank(bank, queue.settings.bank_path("cam", "motion"))
    queue.add_camera()
    for n in range(60):
        queue.frame(n, rgb=walkers(n / FPS)[::-1, ::-1])
    with run_worker(queue.settings):
        until(lambda: taken(queue) == 60)
    assert [(alert.kind, alert.state) for alert in alerts(queue)] == [(AlertKind.SCENE_CHANGED, AlertState.OPEN)]
    assert "bank" in alerts(queue)[0].detail


def test_an_anomaly_is_reported_in_a_stream_of_joined_clips(enrolled: Any, run_worker: Run, until: Run) -> None:
    """Each clip begins elsewhere; from the fourth on the patch rushes."""
    for n in range(150):
        clip, at_s = n // 30, n % 30 / FPS
        enrolled.frame(n, rgb=scene(at_s + 40 * clip, rush=clip >= 3))
    with run_worker(enrolled.settings):
        until(lambda: taken(enrolled) == 150)
    assert {alert.kind for alert in alerts(enrolled)} == {AlertKind.ANOMALY}


def test_a_recording_whose_pictures_are_too_far_apart_is_blind_no_longer_than_to_its_end(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.inference.worker.GAP_S", 1.0)
    for n in range(30):
        enrolled.frame(n, media_ns=2 * n * 10**9)
    now_ms = time.time_ns() // 1_000_000
    ended = CaptureStatus(camera_id="cam", state=CaptureState.ENDED, since_ms=now_ms, updated_at_ms=now_ms)
    enrolled.client.set(enrolled.keys.capture, ended.encode())
    with run_worker(enrolled.settings):
        until(lambda: len(alerts(enrolled)) == 2)
    [opened, closed] = alerts(enrolled)
    assert (opened.kind, opened.state) == (AlertKind.BLIND, AlertState.OPEN)
    assert (closed.id, closed.state) == (opened.id, AlertState.CLOSED)


def test_where_most_frames_were_dropped_before_their_turn_the_machine_is_blamed(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    for n in range(30):
        enrolled.frame(10 * n, media_ns=2 * n * 10**9)

    def status() -> AnalysisStatus:
        return AnalysisStatus.decode(enrolled.client.get(enrolled.keys.analysis))

    with run_worker(enrolled.settings):
        until(lambda: len(alerts(enrolled)) == 1)
        until(lambda: enrolled.client.exists(enrolled.keys.analysis) and status().overloaded)
    [blind] = alerts(enrolled)
    assert blind.kind is AlertKind.BLIND
    assert "this machine cannot keep up" in blind.detail
