"""A worker remembers the normal of its cameras: scored ones and such as have no bank yet. No score changes for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import CameraContext, Frame
from models.frames.optical_flow import FlowEstimator
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Exclusion, Stretch
from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.cameras.zones.zone import Zone, ZoneKind
from patchwatch.messages.frames.score import Score
from patchwatch.messages.heartbeat import Heartbeat
from workers.inference.queue_reader import QueueReader
from workers.inference.recording.camera_recording import CameraRecording

Run = Callable[..., Any]
RUSH = range(60, 75)


def feed(queue: Any, frames: range) -> None:
    for n in frames:
        queue.frame(n, rush=n in RUSH)


def memory(settings: Settings) -> list[Stretch]:
    store = MemoryStore(settings.memory_path("cam", "motion"), 256)
    return [store.read(info.id) for info in store.infos()]


def scores(queue: Any) -> list[Score]:
    return [Score.decode(fields) for _, fields in queue.client.xrange(queue.keys.scores)]


def test_scores_are_remembered_and_the_same_without_any_memory(
    enrolled: Any, bank: Bank, run_worker: Run, until: Run
) -> None:
    feed(enrolled, range(100))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 100)
    stretches, live = memory(enrolled.settings), scores(enrolled)
    by_frame = [round((at_s - stretches[0].times_s[0]) * FPS) for stretch in stretches for at_s in stretch.times_s]
    remembered = np.concatenate([stretch.scores for stretch in stretches])
    marks = dict(zip(by_frame, np.concatenate([stretch.excluded for stretch in stretches]).tolist(), strict=True))
    assert len(by_frame) > 90, "all but the end of the alert"
    assert remembered.tolist() == pytest.approx([live[n].score for n in by_frame], abs=1e-6)
    assert all(marks[n] & Exclusion.ALERT for n in RUSH)
    assert not any(marks[n] for n in range(FPS, RUSH.start - 6 * FPS)), "in the first second a view is new"
    with private_redis() as url:
        forgetful = type(enrolled)(url, Settings(
            redis_url=url, data_dir=enrolled.settings.data_dir.with_name("other"), partitions=2, memory_mb=0
        ))  # fmt: skip
        save_bank(bank, forgetful.settings.bank_path("cam", "motion"))
        forgetful.add_camera()
        feed(forgetful, range(100))
        with run_worker(forgetful.settings):
            until(lambda: forgetful.scored() == 100)
        assert [(score.raw, score.score) for score in scores(forgetful)] == [(one.raw, one.score) for one in live]
        assert not forgetful.settings.memory_dir.exists()
        forgetful.client.close()


def test_what_only_additions_keep_quiet_is_marked_so_that_no_bank_learns_it(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FrameScorer.score

    def score(self: FrameScorer, *args: Any, **how: Any) -> FrameScore:
        """As if additions kept every frame quiet."""
        return replace(original(self, *args, **how), score_without_additions=1.0)

    monkeypatch.setattr(FrameScorer, "score", score)
    feed(enrolled, range(20))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 20)
    [stretch] = memory(enrolled.settings)
    assert (stretch.excluded & Exclusion.ADDED).all()
    assert not stretch.learnable.any()


def test_frames_wait_to_be_recorded_but_never_many(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.inference.scoring.MOST_WAITING", 5)
    monkeypatch.setattr("workers.inference.worker.POLL_EVERY_S", 600.0)  # once the camera is adopted, never
    feed(enrolled, range(30))
    with run_worker(enrolled.settings) as worker:
        until(lambda: enrolled.scored() == 30)
        assert len(worker._recorder.waiting) < 5
    assert sum(len(stretch) for stretch in memory(enrolled.settings)) == 30


def test_a_camera_without_a_bank_is_remembered_all_the_same(queue: Any, run_worker: Run, until: Run) -> None:
    queue.add_camera()
    feed(queue, range(40))
    with run_worker(queue.settings):
        until(lambda: queue.counters().get("dropped:no_bank") == 40)
    [stretch] = memory(queue.settings)
    assert len(stretch) == 40
    assert np.isnan(stretch.scores).all()
    assert not stretch.excluded[FPS:].any(), "in the first second a view is new"
    assert [len(features) > 0 for features in stretch.features[0]] == [False] + [True] * 39
    assert queue.counters() == {"dropped:no_bank": 40}


def test_where_cameras_shall_not_learn_by_themselves_they_do_not(queue: Any, run_worker: Run, until: Run) -> None:
    settings = queue.settings.changed(self_arm=False)
    queue.add_camera()
    feed(queue, range(20))
    with run_worker(settings):
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
    assert memory(settings) == []


def test_a_thread_without_time_to_spare_learns_nothing(
    queue: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QueueReader, "has_time", lambda self: False)
    queue.add_camera()
    feed(queue, range(20))
    with run_worker(queue.settings):
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
    assert memory(queue.settings) == []


def test_an_engine_that_fails_on_what_is_only_learnt_ends_nothing(
    queue: Any, bank: Bank, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: FlowEstimator, frame: Frame, view: CameraContext) -> Any:
        raise RuntimeError("CUDA error")

    queue.add_camera()
    feed(queue, range(20))
    with run_worker(queue.settings):
        with monkeypatch.context() as patched:
            patched.setattr(FlowEstimator, "_next", fail)
            until(lambda: queue.counters().get("dropped:no_bank") == 20)
        save_bank(bank, queue.settings.bank_path("cam", "motion"))
        feed(queue, range(20, 30))
        until(lambda: sum(queue.counters().values()) == 30)
    assert set(queue.counters()) <= {"dropped:no_bank", "scored"}


def test_a_defect_of_the_recording_costs_no_score(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CameraRecording, "add", lambda *_: 1 // 0)
    feed(enrolled, range(20))
    with caplog.at_level(logging.ERROR), run_worker(enrolled.settings) as worker:
        until(lambda: enrolled.scored() == 20)
        beat = until(lambda: _beat_with_drops(enrolled, worker))
    assert beat.memory_dropped == {"failed": 20}
    assert caplog.text.count("normal is not remembered (failed): cam") == 1


def _beat_with_drops(queue: Any, worker: Any) -> Heartbeat | None:
    beat = Heartbeat.decode(queue.client.get(worker._heartbeat.key) or b"{}")
    return beat if beat.memory_dropped.get("failed") == 20 else None


def test_memory_goes_with_its_camera_but_not_with_a_redis_that_forgot_it_or_while_it_is_disabled(
    queue: Any, run_worker: Run, until: Run
) -> None:
    folder = queue.settings.memory_dir / "cam"
    queue.add_camera()
    feed(queue, range(20))
    with run_worker(queue.settings) as worker:
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
        queue.add_camera(enabled=False)
        until(lambda: not worker._cameras.states and list(folder.rglob("*.stretch")))
        queue.add_camera()
        until(lambda: worker._cameras.states)
        queue.client.flushall()
        until(lambda: not worker._cameras.states)
        queue.client.set(keys.CAMERAS_REVISION, 10)  # what the ingest worker does
        queue.add_camera()
        until(lambda: worker._cameras.states)
        assert list(folder.rglob("*.stretch"))
        queue.client.hdel(keys.CAMERAS, "cam")
        queue.client.incr(keys.CAMERAS_REVISION)
        until(lambda: not folder.exists())


@pytest.mark.parametrize("again", [False, True])
def test_memory_goes_with_a_camera_that_is_removed_while_it_is_disabled(
    queue: Any, run_worker: Run, until: Run, again: bool
) -> None:
    folder = queue.settings.memory_dir / "cam"
    queue.add_camera(incarnation="first")
    feed(queue, range(20))
    with run_worker(queue.settings) as worker:
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
        queue.add_camera(incarnation="first", enabled=False)
        until(lambda: not worker._cameras.states and list(folder.rglob("*.stretch")))
        if again:
            queue.add_camera(incarnation="second", enabled=False)
        else:
            queue.client.hdel(keys.CAMERAS, "cam")
            queue.client.incr(keys.CAMERAS_REVISION)
        until(lambda: not folder.exists())


def test_memory_of_a_camera_that_redis_lost_stays_when_the_revision_has_caught_up(
    queue: Any, run_worker: Run, until: Run
) -> None:
    queue.add_camera()
    feed(queue, range(20))
    with run_worker(queue.settings) as worker:
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
        queue.client.flushall()
        until(lambda: not worker._cameras.states)
        queue.client.set(keys.CAMERAS_REVISION, 10)
        until(lambda: worker._cameras._revision == b"10")
    assert list((queue.settings.memory_dir / "cam").rglob("*.stretch"))


def test_a_camera_that_cannot_be_read_any_more_is_not_forgotten(queue: Any, run_worker: Run, until: Run) -> None:
    folder = queue.settings.memory_dir / "cam"
    queue.add_camera()
    feed(queue, range(20))
    with run_worker(queue.settings) as worker:
        until(lambda: queue.counters().get("dropped:no_bank") == 20)
        queue.client.hset(keys.CAMERAS, "cam", b"{")
        queue.client.incr(keys.CAMERAS_REVISION)
        until(lambda: not worker._cameras.states and list(folder.rglob("*.stretch")))


def test_what_was_remembered_before_a_privacy_zone_was_drawn_is_forgotten(
    queue: Any, run_worker: Run, until: Run
) -> None:
    folder = queue.settings.memory_dir / "cam"
    window = Zone(name="window", kind=ZoneKind.PRIVACY, points=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))

    def show(frames: range, zones: tuple[Zone, ...]) -> None:
        queue.add_camera(zones=zones)
        feed(queue, frames)
        until(lambda: queue.counters().get("dropped:no_bank") == frames.stop)

    with run_worker(queue.settings) as worker:
        queue.add_camera()
        until(lambda: worker._cameras.states)
        show(range(120), ())
        until(lambda: list(folder.rglob("*.stretch")))
        show(range(120, 140), (window.model_copy(update={"kind": ZoneKind.IGNORE}),))
        assert memory(queue.settings)
        before = [stretch.started_ms for stretch in memory(queue.settings)]
        queue.add_camera(zones=(window,))
        until(lambda: next(iter(worker._cameras)).camera.zones == (window,))
        show(range(140, 160), (window,))
        until(lambda: not {stretch.started_ms for stretch in memory(queue.settings)} & set(before))
    assert {stretch.identity.view.hidden for stretch in memory(queue.settings)} == {(window.points,)}
