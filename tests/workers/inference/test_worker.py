"""The inference worker scores every frame once, over restarts, and accounts for the rest."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, scene
from quick_profiles import SMALL_SCENE
from scene_bank import bank_of_the_scene

from models.alarms.alarm_threshold import ThresholdModel
from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.engine import Engine, NetworkOptions
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import HISTORY_S, CameraContext, Frame
from models.frames.scene_cuts import SceneCuts
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from patchwatch.messages.frames.score import Score
from workers.media import jpeg_codec

Run = Callable[..., Any]
START_S = 1_800_000_000.0
DAY_S = 86_400.0
RUSH = range(50, 65)
_OFFLINE: dict[str, list[float]] = {}  # by the bank's id: most tests ask for the same frames


def scores(queue: Any) -> list[Score]:
    return [Score.decode(fields) for _, fields in queue.client.xrange(queue.keys.scores)]


def alerts(queue: Any) -> list[Alert]:
    return [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(keys.ALERTS)]


def status(queue: Any, state: AnalysisState) -> AnalysisStatus | None:
    """What the worker says of the camera, once it says ``state``."""
    record = queue.client.get(queue.keys.analysis)
    said = AnalysisStatus.decode(record) if record else None
    return said if said and said.state is state else None


def offline(bank: Bank, count: int, engine: Engine | None = None) -> list[float]:
    """The same frames through the method alone, one by one."""
    if len(_OFFLINE.get(bank.id, [])) >= count:
        return _OFFLINE[bank.id][:count]  # what comes later changes no score
    engine = engine or Engine(load_profile("motion"))
    scorer, view, cuts = FrameScorer(bank), CameraContext(), SceneCuts()
    result = []
    for n in range(count):
        rgb = jpeg_codec.decode(jpeg_codec.encode(scene(n / FPS, rush=n in RUSH), 85))
        frame = cuts.mark(Frame(rgb, START_S + n / FPS, n == 0))
        [features] = engine.extract([frame], [view])
        result.append(scorer.score(features, frame.at_s, discontinuity=frame.discontinuity).score)
    _OFFLINE[bank.id] = result
    return result


def feed(queue: Any, frames: range) -> None:
    for n in frames:
        queue.frame(n, rush=n in RUSH)


def test_scores_are_those_of_the_method_alone(enrolled: Any, bank: Bank, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(100))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 100)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 101))
    assert [score.score for score in scores(enrolled)] == pytest.approx(offline(bank, 100), abs=1e-5)


@pytest.mark.openvino
def test_scores_of_places_and_motion_are_those_of_the_method_alone_over_a_restart(
    queue: Any, run_worker: Run, until: Run, tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text(SMALL_SCENE)
    settings = queue.settings.changed(profiles_file=tmp_path / "own.toml")
    engine = Engine.load(load_profile("small", settings.profiles_file), NetworkOptions(settings.data_dir))
    bank = bank_of_the_scene(engine)
    save_bank(bank, settings.bank_path("cam", "small"))
    queue.add_camera(profile="small")
    feed(queue, range(58))
    with run_worker(settings):
        until(lambda: queue.scored() == 58)
    feed(queue, range(58, 90))
    with run_worker(settings):
        until(lambda: queue.scored() == 90)
    assert [score.seq for score in scores(queue)] == list(range(1, 91))
    expected = offline(bank, 90, engine)
    assert [score.score for score in scores(queue)] == pytest.approx(expected, abs=1e-4)
    assert max(expected[RUSH.start : RUSH.stop]) > bank.rule.on > max(expected[10 : RUSH.start])


@pytest.mark.parametrize("step_s", [0.15, -0.15, 1.0, -1.0, 45.0, -45.0, 3600.0, -3600.0, 400 * DAY_S, -400 * DAY_S])
@pytest.mark.parametrize("wrong", [range(40, 60), range(57, 110)], ids=["as it begins", "as it ends"])
def test_a_clock_that_is_set_changes_no_score_loses_none_and_all_are_found(
    enrolled: Any, bank: Bank, run_worker: Run, until: Run, step_s: float, wrong: range
) -> None:
    """The capture's wall clock is wrong for a while. An alert is told by the clock that it began by."""
    for n in range(110):
        wrong_s = step_s if n in wrong else 0.0
        enrolled.frame(n, rush=n in RUSH, at_ns=round((START_S + n / FPS + wrong_s) * 1e9), flags=FrameFlag.LIVE)
    with run_worker(enrolled.settings.changed(max_age_s=1e9)):
        until(lambda: enrolled.scored() == 110)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 111))
    assert [score.score for score in scores(enrolled)] == pytest.approx(offline(bank, 110), abs=5e-3)
    told = alerts(enrolled)
    assert len({alert.id for alert in told}) == 1
    began_s = START_S + (step_s if RUSH.start in wrong else 0.0)
    assert abs(told[0].started_at_ms / 1000 - began_s - RUSH.start / FPS) < 1.1
    assert told[-1].state is AlertState.CLOSED
    assert told[-1].ended_at_ms is not None
    assert abs(told[-1].ended_at_ms / 1000 - began_s - RUSH.stop / FPS) < 3.0
    eras = Eras.from_record(enrolled.client.hget(enrolled.keys.state, "eras"))
    for entry_id, fields in enrolled.client.xrange(enrolled.keys.scores):
        at_ms, own_ms = Score.decode(fields).captured_at_ns // 1_000_000, int(entry_id.split(b"-")[0])
        assert sum(first <= own_ms <= last for first, last in eras.own_ranges(at_ms, at_ms)) == 1


def test_a_rush_is_one_alert_that_opens_and_closes_with_a_region(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(110))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 110)
    told = alerts(enrolled)
    assert len({alert.id for alert in told}) == 1
    assert (told[0].state, told[-1].state) == (AlertState.OPEN, AlertState.CLOSED)
    assert 0 <= told[0].started_at_ms / 1000 - START_S - RUSH.start / FPS < 1.1
    assert told[-1].stream == "motion"
    assert all(alert.region is not None for alert in told)
    assert enrolled.client.get(keys.alert_picture(told[0].id)).startswith(b"\xff\xd8")
    assert Alert.decode(enrolled.client.get(keys.alert(told[0].id))) == told[-1]


def test_an_alert_is_explained_at_its_peak_by_region_and_by_the_normal_nearest_to_it(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    feed(enrolled, range(110))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 110)
    closed = alerts(enrolled)[-1]
    result = Explanation.decode(enrolled.client.get(keys.alert_explanation(closed.id)))
    assert (result.camera_id, result.at_ms, result.bank_id) == ("cam", closed.peak_at_ms, closed.bank_id)
    assert result.score == pytest.approx(closed.peak_score)
    [motion] = result.streams
    assert (motion.name, motion.contribution, motion.region) == ("motion", 1.0, closed.region)
    assert len({one.time_s for one in motion.nearest}) == 3
    assert all(one.source == "scene" and 0 <= one.time_s <= 60 for one in motion.nearest)
    assert all(b64decode(one.thumbnail or "").startswith(b"\xff\xd8") for one in motion.nearest)
    lifetimes = [enrolled.client.ttl(of(closed.id)) for of in (keys.alert_picture, keys.alert_explanation)]
    assert lifetimes[0] == pytest.approx(lifetimes[1], abs=2)


def test_the_last_scored_frame_is_explained_without_thumbnails(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(20))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 20)
        result = until(lambda: _explained(enrolled, seq=20))
    last = scores(enrolled)[-1]
    assert (result.seq, result.at_ms, result.raw) == (last.seq, last.captured_at_ns // 1_000_000, last.raw)
    assert result.streams[0].rarity == pytest.approx(last.streams[0].rarity)
    assert [one.thumbnail for one in result.streams[0].nearest] == [None] * 3


def _explained(queue: Any, seq: int) -> Explanation | None:
    stored = queue.client.hget(queue.keys.state, "explanation")
    result = Explanation.decode(stored) if stored else None
    return result if result and result.seq == seq else None


@pytest.mark.parametrize("cuts", [(33,), (52, 55, 58)])
def test_restarts_repeat_and_lose_nothing(
    enrolled: Any, run_worker: Run, until: Run, cuts: tuple[int, ...], bank: Bank
) -> None:
    edges = [0, *cuts, 100]
    for start, stop in pairwise(edges):
        feed(enrolled, range(start, stop))
        with run_worker(enrolled.settings):
            until(lambda stop=stop: enrolled.scored() == stop)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 101))
    assert [score.score for score in scores(enrolled)] == pytest.approx(offline(bank, 100), abs=1e-5)
    assert len({alert.id for alert in alerts(enrolled)}) == 1


@pytest.mark.parametrize(("by_itself", "how"), [(True, "by itself"), (False, "patchwatch banks enrol")])
def test_a_camera_without_a_bank_says_so_and_scores_once_it_has_one(
    queue: Any, bank: Bank, run_worker: Run, until: Run, by_itself: bool, how: str
) -> None:
    queue.add_camera(self_arm=by_itself)
    feed(queue, range(10))
    with run_worker(queue.settings):
        until(lambda: queue.counters().get("dropped:no_bank") == 10)
        said = until(lambda: status(queue, AnalysisState.NO_BANK))
        assert how in said.detail
        save_bank(bank, queue.settings.bank_path("cam", "motion"))
        until(lambda: status(queue, AnalysisState.SCORING))
        feed(queue, range(10, 20))
        until(lambda: queue.scored() == 10)


def test_another_alarm_budget_holds_at_once_and_breaks_nothing_off(
    enrolled: Any, bank: Bank, run_worker: Run, until: Run
) -> None:
    def lowered(before: AnalysisStatus) -> AnalysisStatus | None:
        result: AnalysisStatus | None = status(enrolled, AnalysisState.SCORING)
        if result is None or result.threshold_on is None or before.threshold_on is None:
            return None
        return result if result.threshold_on < before.threshold_on else None

    varied = replace(bank, threshold=ThresholdModel(np.linspace(0.9, 0.3, 20), 3600.0))
    save_bank(varied, enrolled.settings.bank_path("cam", "motion"))
    with run_worker(enrolled.settings):
        feed(enrolled, range(50))
        first = until(lambda: status(enrolled, AnalysisState.SCORING))
        assert first.threshold.false_alarms_per_day == enrolled.settings.false_alarms_per_day
        until(lambda: enrolled.scored() == 50)
        enrolled.add_camera(false_alarms_per_day=600.0)
        told = until(lambda: lowered(first))
        feed(enrolled, range(50, 110))
        until(lambda: enrolled.scored() == 110)
    assert told.threshold.on == told.threshold_on == pytest.approx(varied.threshold.rule(600.0).on, abs=1e-4)
    assert [one.false_alarms_per_day for one in told.thresholds] == pytest.approx([24, 12, 4, 1, 1 / 7], abs=1e-4)
    assert (told.bank_id, told.threshold.footage_hours) == (varied.id, 1.0)
    assert [score.score for score in scores(enrolled)] == pytest.approx(offline(bank, 110), abs=1e-5)
    assert {alert.threshold for alert in alerts(enrolled)} == {varied.threshold.rule(600.0).on}


def test_a_truncated_bank_is_reported_not_used(enrolled: Any, run_worker: Run, until: Run) -> None:
    path = enrolled.settings.bank_path("cam", "motion")
    path.write_bytes(path.read_bytes()[:1000])
    with run_worker(enrolled.settings):
        said = until(lambda: status(enrolled, AnalysisState.BANK_REJECTED))
    assert "truncated" in said.detail


def test_every_frame_is_scored_or_counted_with_its_reason(enrolled: Any, run_worker: Run, until: Run) -> None:
    now_ns = time.time_ns()
    enrolled.frame(3, flags=FrameFlag.LIVE, at_ns=now_ns - 60 * 10**9)  # three missing before it, and too old
    enrolled.client.xadd(enrolled.keys.frames, {b"h": b"\x01", b"j": b""}, id="5-0")  # not a frame
    enrolled.frame(5, flags=FrameFlag.LIVE, at_ns=now_ns)
    broken = {b"h": enrolled.client.xrange(enrolled.keys.frames)[-1][1][b"h"], b"j": b"\xff\xd8 no picture"}
    enrolled.client.xadd(enrolled.keys.frames, broken, id="7-0")
    sizeless = FrameMessage(8, now_ns, 0, 0, 0, 0, 0, FrameFlag.LIVE, broken[b"j"])
    enrolled.client.xadd(enrolled.keys.frames, sizeless.encode(), id="8-0")
    with run_worker(enrolled.settings):
        until(lambda: sum(enrolled.counters().values()) == 8)
    assert enrolled.counters() == {
        "dropped:queue_full": 3, "dropped:too_old": 1, "dropped:corrupt": 3, "scored": 1,
    }  # fmt: skip


def test_a_nan_distance_is_counted_and_the_next_frame_is_scored(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.banks.bank import StreamBank

    honest, calls = StreamBank.distances, []

    def spoilt(self: StreamBank, features: Any) -> Any:
        calls.append(1)
        return honest(self, features) * (float("nan") if len(calls) == 5 else 1.0)

    monkeypatch.setattr(StreamBank, "distances", spoilt)
    feed(enrolled, range(10))
    with run_worker(enrolled.settings):
        until(lambda: sum(enrolled.counters().values()) == 10)
    assert enrolled.counters() == {"scored": 9, "dropped:non_finite": 1}


def test_only_one_of_two_workers_scores_and_the_other_takes_over(enrolled: Any, run_worker: Run, until: Run) -> None:
    with run_worker(enrolled.settings):
        feed(enrolled, range(20))
        until(lambda: enrolled.scored() == 20)
        with run_worker(enrolled.settings):
            feed(enrolled, range(20, 40))
            until(lambda: enrolled.scored() == 40)
            assert [score.seq for score in scores(enrolled)] == list(range(1, 41))
    with run_worker(enrolled.settings):
        feed(enrolled, range(40, 50))
        until(lambda: enrolled.scored() == 50)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 51))


def test_a_flushed_redis_is_survived(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(20))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 20)
        enrolled.client.flushall()
        enrolled.add_camera()
        until(lambda: enrolled.client.exists(keys.lease(enrolled.keys.partition)))
        feed(enrolled, range(20, 40))
        until(lambda: enrolled.scored() == 40)
    assert [score.seq for score in scores(enrolled)] == list(range(21, 41))


def test_a_state_of_another_version_costs_the_smoothing_not_the_camera(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 60)
    worker_state = json.loads(enrolled.client.hget(enrolled.keys.state, "worker"))
    for seq, stored in enumerate(["{}", json.dumps(worker_state | {"analyzer": {"v": 2}})], start=60):
        enrolled.client.hset(enrolled.keys.state, "worker", stored)
        feed(enrolled, range(seq, seq + 1))
        with run_worker(enrolled.settings):
            until(lambda seq=seq: enrolled.scored() == seq + 1)
    assert alerts(enrolled)[-1].state is AlertState.CLOSED  # what led to it is no longer known


def test_an_alert_left_open_by_a_stopped_worker_closes_when_the_bank_is_gone(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 60)
    assert alerts(enrolled)[-1].state is AlertState.OPEN
    enrolled.settings.bank_path("cam", "motion").unlink()
    with run_worker(enrolled.settings):
        until(lambda: alerts(enrolled)[-1].state is AlertState.CLOSED)
    assert len({alert.id for alert in alerts(enrolled)}) == 1


def test_a_removed_camera_leaves_nothing_but_its_alerts(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings) as worker:
        until(lambda: enrolled.scored() == 60)
        enrolled.client.hdel(keys.CAMERAS, "cam")
        enrolled.client.delete(*enrolled.keys.all)
        enrolled.client.incr(keys.CAMERAS_REVISION)
        until(lambda: not worker._cameras.states)
        assert alerts(enrolled)[-1].state is AlertState.CLOSED
    assert enrolled.client.exists(*enrolled.keys.all) == 0


def test_a_camera_removed_and_added_between_two_looks_is_scored_from_its_first_frame(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 60)
        enrolled.client.delete(*enrolled.keys.all)  # its configuration is the same: nothing else tells
        feed(enrolled, range(10))
        until(lambda: enrolled.scored() == 10)


def test_a_camera_of_another_incarnation_starts_over(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 60)
        enrolled.client.delete(enrolled.keys.frames)
        enrolled.add_camera(incarnation="b")
        feed(enrolled, range(10))
        until(lambda: enrolled.scored() == 10)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 11))


def test_scored_frames_leave_the_queue_but_for_a_short_history(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(40))
    with run_worker(enrolled.settings.changed(evidence=False)):
        until(lambda: enrolled.scored() == 40)
    assert 1 <= enrolled.client.xlen(enrolled.keys.frames) <= HISTORY_S * 5 + 1


def test_an_event_closes_when_the_camera_falls_silent(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(enrolled, range(60))
    with run_worker(enrolled.settings) as worker:
        until(lambda: enrolled.scored() == 60)
        assert alerts(enrolled)[-1].state is AlertState.OPEN
        for session in worker._cameras.states.values():
            session.last_taken_s -= 11
        until(lambda: alerts(enrolled)[-1].state is AlertState.CLOSED)


def test_the_clock_of_its_host_has_no_say(
    queue: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: honest() + 400 * 86_400 * 10**9)
    queue.add_camera()
    with run_worker(queue.settings):
        said = until(lambda: status(queue, AnalysisState.NO_BANK))
    assert abs(honest() // 1_000_000 - said.updated_at_ms) < 60_000
