"""What a camera shows becomes stretches on disk, without what an alert covers and what is shortly before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from stretches import some_features
from waiting import wait_until

from models.engine.engine import Engine
from models.frames.frame import Frame
from models.frames.view import View
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Exclusion, Stretch
from models.profiles.profile import StreamKind, load_profile
from workers.inference.recording.camera_recording import AROUND_ALERT_S, FIRST_STRETCH_S, CameraRecording, Verdict
from workers.inference.recording.memory_writer import MemoryWriter, Remembered

FPS = 5
START_MS = 1_800_000_000_000
OWN_S = 5_000.0  # the camera's own time begins anywhere
RGB = np.zeros((48, 64, 3), np.uint8)
MOTION = [some_features(StreamKind.MOTION, np.random.default_rng(1))]
Judge = Callable[[float], Verdict]


class Camera:
    """A recording that is fed from second to second, and read when it has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = MemoryWriter(64)
        self.recording = CameraRecording("cam", Engine(load_profile("motion")), View(), folder, self._writer, 64)

    def show(
        self, since_s: float, until_s: float, judge: Judge = lambda at_s: Verdict(0.2, 0.6), cut: bool = False
    ) -> None:
        for n in range(round(since_s * FPS), round(until_s * FPS)):
            frame = Frame(RGB, OWN_S + n / FPS, discontinuity=cut and n == round(since_s * FPS))
            self.recording.add(frame, START_MS + n * 1000 // FPS, MOTION, judge(n / FPS))

    def end(self) -> list[Stretch]:
        self.recording.finish()
        self._writer.stop()
        assert not self._writer.dropped
        memory = MemoryStore(self._folder, 64)
        return [memory.read(info.id) for info in memory.infos()]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    camera = Camera(tmp_path / "cam" / "motion")
    yield camera
    camera._writer.stop()


def times_s(stretches: list[Stretch]) -> list[float]:
    return [round(at_s - OWN_S, 3) for stretch in stretches for at_s in stretch.times_s]


def reasons(stretches: list[Stretch]) -> dict[float, int]:
    """By second since the start, of the frames that are excluded."""
    marks = [int(mark) for stretch in stretches for mark in stretch.excluded]
    return {at_s: mark for at_s, mark in zip(times_s(stretches), marks, strict=True) if mark}


def test_every_frame_of_the_first_minutes_is_remembered_once_and_in_order(camera: Camera) -> None:
    camera.show(0, 61)
    stretches = camera.end()
    assert times_s(stretches) == [n / FPS for n in range(61 * FPS)]
    assert max(stretch.seconds for stretch in stretches) <= FIRST_STRETCH_S
    assert [stretch.started_ms - START_MS for stretch in stretches] == [
        round((stretch.times_s[0] - OWN_S) * 1000) for stretch in stretches
    ]
    assert {stretch.runs[0] for stretch in stretches} == {0}


def test_an_alert_is_excluded_with_five_seconds_before_and_after_it(camera: Camera) -> None:
    opened_s, closed_s, since_s = 20.0, 33.0, 19.6

    def judge(at_s: float) -> Verdict:
        lasts = opened_s <= at_s < closed_s
        return Verdict(0.7 if lasts else 0.2, 0.6, OWN_S + since_s if lasts else None)

    camera.show(0, 61, judge)
    stretches = camera.end()
    marked, first_s, last_s = reasons(stretches), since_s - AROUND_ALERT_S, closed_s + AROUND_ALERT_S
    assert set(marked.values()) == {int(Exclusion.ALERT)}
    assert min(marked) == pytest.approx(first_s)
    assert max(marked) <= last_s + 0.01, "of a long alert not all is kept"
    normal = [n / FPS for n in range(61 * FPS) if not first_s - 0.01 <= n / FPS <= last_s + 0.01]
    assert [at_s for at_s in times_s(stretches) if at_s not in marked] == normal


def test_a_wrong_picture_and_a_high_score_without_an_alert_are_excluded(camera: Camera) -> None:
    def judge(at_s: float) -> Verdict:
        return Verdict(0.7 if at_s == 3.0 else 0.2, 0.6, condition_since_s=OWN_S + at_s if 8.0 <= at_s < 9.0 else None)

    camera.show(0, 20, judge)
    condition = dict.fromkeys([8.0, 8.2, 8.4, 8.6, 8.8], int(Exclusion.CONDITION))
    assert reasons(camera.end()) == {3.0: int(Exclusion.HIGH)} | condition


def test_a_condition_that_is_found_out_later_is_excluded_from_its_beginning_on(camera: Camera) -> None:
    found_s, since_s = 16.0, 14.0

    def judge(at_s: float) -> Verdict:
        return Verdict(0.2, 0.6, condition_since_s=OWN_S + since_s if found_s <= at_s < 17.0 else None)

    camera.show(0, 30, judge)
    marked = reasons(camera.end())
    assert set(marked.values()) == {int(Exclusion.CONDITION)}
    assert (min(marked), max(marked)) == (since_s - AROUND_ALERT_S, 16.8)


def test_a_cut_or_a_frame_left_out_at_one_begins_a_run(camera: Camera) -> None:
    camera.show(0, 2)
    camera.show(2, 4, cut=True)
    camera.recording.interrupt()
    camera.show(4, 6)
    [stretch] = camera.end()
    assert np.unique(stretch.runs, return_counts=True)[1].tolist() == [2 * FPS] * 3


def test_a_gap_ends_a_stretch(camera: Camera) -> None:
    camera.show(0, 4)
    camera.show(30, 34)
    assert [stretch.seconds for stretch in camera.end()] == pytest.approx([3.8, 3.8])


def test_of_a_long_known_camera_little_is_recorded(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.inference.recording.keep_rule.BEGINNING_S", 20.0)
    camera.show(0, 30)
    first = {stretch.started_ms for stretch in camera.end()}
    again = Camera(camera._folder)
    wait_until(lambda: again._writer.remembered(camera._folder))
    again.show(100, 400)
    assert {stretch.started_ms for stretch in again.end()} == first


def test_what_only_additions_kept_quiet_is_excluded_as_if_it_had_alerted(camera: Camera) -> None:
    def judge(at_s: float) -> Verdict:
        return Verdict(0.2, 0.6, bare_score=0.7 if 20.0 <= at_s < 24.0 else 0.5 if at_s < 26.0 else 0.1)

    camera.show(0, 61, judge)
    marked = reasons(camera.end())
    assert set(marked.values()) == {int(Exclusion.ADDED)}
    assert min(marked) == pytest.approx(20.0 - AROUND_ALERT_S)
    assert max(marked) == pytest.approx(25.8 + 5.0 + AROUND_ALERT_S)


def on_disk(camera: Camera) -> list[Stretch]:
    """As a killed process leaves it."""
    camera._writer.settle(10.0)
    memory = MemoryStore(camera._folder, 64)
    return [memory.read(info.id) for info in memory.infos()]


def remembered_for(camera: Camera, seconds: float) -> None:
    """The first minutes are over: stretches are long."""
    camera._writer.settle(10.0)  # it has looked at the empty folder
    camera.recording._writer._remembered[camera._folder] = Remembered(seconds, START_MS, 10**6)
    camera.recording._writer.release = lambda folder: None  # type: ignore[method-assign]
    camera.recording.finish()


def test_of_a_long_stretch_the_beginning_survives_a_killed_process_and_the_whole_takes_its_place(
    camera: Camera,
) -> None:
    remembered_for(camera, 300.0)
    camera.show(0, 16)
    assert times_s(on_disk(camera)) == [n / FPS for n in range(10 * FPS + 1)]
    camera.show(16, 29)
    [beginning] = on_disk(camera)
    assert beginning.seconds <= 11
    camera.show(29, 40)
    whole, *_ = on_disk(camera)
    assert whole.seconds > 25
    assert len(set(times_s(on_disk(camera)))) == len(times_s(on_disk(camera))), "every frame once"


def test_a_beginning_that_is_not_kept_for_sure_is_not_written(camera: Camera) -> None:
    remembered_for(camera, 10_000.0)
    camera.show(0, 29)
    assert len(on_disk(camera)) == 0
