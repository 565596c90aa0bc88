"""Somebody who comes each night, in a night that the camera does not know yet, alerts each night: nothing of him is
learnt with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from still_scene import FPS, PROFILE, bank, picture, places, stretch

from models.banks.bank import Bank
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features, Frame
from models.frames.view import View
from models.memory.store import MemoryStore
from models.streams.place_stream import COLUMNS
from workers.analysis.memory_learner import learn_from_memory
from workers.inference.recording.camera_recording import CameraRecording, Verdict
from workers.inference.recording.memory_writer import MemoryWriter
from workers.inference.recording.new_view import NewView

NIGHTS = 3
DUSK_MS, HOUR_S, DAY_S = 1_800_000_000_000, 3600.0, 86_400.0
LOOK_S, COMES_S, GOES_S = 40.0, 15.0, 25.0  # of a look; whoever comes is there from the one to the other
CALM_LOOKS_H = 0.0, 2.0

Shown = Callable[[np.random.Generator, int], Features]


def stands(rng: np.random.Generator, n: int) -> Features:
    return places(rng, nudged=True, shelf=True)


def walks(rng: np.random.Generator, n: int) -> Features:
    return places(rng, nudged=True, person=6 * COLUMNS + n % (COLUMNS - 2))


def lies(rng: np.random.Generator, n: int) -> Features:
    return places(rng, nudged=True, person=12 * COLUMNS + 4)


class Camera:
    """Remembers what it sees as an inference worker does, and learns again each morning."""

    def __init__(self, folder: Path) -> None:
        engine: Any = SimpleNamespace(profile=PROFILE, identity=bank().identity)
        self.folder = folder
        self.store = MemoryStore(folder, 64)
        for n in (3, 2, 1):
            self.store.append(stretch(DUSK_MS - n * 600_000))  # of the day
        self._writer = MemoryWriter(64)
        self._recording = CameraRecording("cam", engine, View(), folder, self._writer, 64)
        self._view: NewView | None = None
        self._rng = np.random.default_rng(31)
        self.use(bank())

    def use(self, learnt: Bank) -> None:
        self.scorer = FrameScorer(learnt)

    def look(self, from_s: float, shown: Shown | None = None) -> float:
        """Of a recording of the night: for what share of the time that somebody is there an event is open."""
        opened = []
        for n in range(round(LOOK_S * FPS)):
            at_s, there = from_s + n / FPS, shown is not None and COMES_S <= n / FPS < GOES_S
            features = [shown(self._rng, n) if shown and there else places(self._rng, nudged=True)]
            frame = Frame(picture(nudged=True), at_s, discontinuity=n == 0)
            score = self.scorer.score(features, at_s, discontinuity=n == 0)
            event = self.scorer.open_event
            verdict = Verdict(score.score, self.scorer.rule.on, event.started_s if event else None)
            if self._view is not None or score.score >= self.scorer.rule.on:
                self._view = self._view or NewView("cam")
                verdict = self._view.judged(verdict, frame, features, self.scorer, score)
                self._view = None if self._view.over else self._view
            self._recording.add(frame, DUSK_MS + round(1000 * at_s), features, verdict)
            opened += [event is not None] if there else []
        self.scorer.finish()
        self._recording.finish()
        assert self._writer.settle(60.0)
        return float(np.mean(opened)) if opened else 0.0

    def learn(self) -> None:
        self.use(learn_from_memory(MemoryStore(self.folder, 64), PROFILE))

    def stop(self) -> None:
        self._writer.stop()


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    made = Camera(tmp_path / "cam" / "still")
    yield made
    made.stop()


def test_whoever_comes_each_night_alerts_each_night_and_the_night_itself_is_learnt(camera: Camera) -> None:
    found: dict[str, list[float]] = {}
    for night in range(NIGHTS):
        for hour in CALM_LOOKS_H:
            camera.look(night * DAY_S + hour * HOUR_S)
        for n, shown in enumerate((stands, walks, lies)):
            there = camera.look(night * DAY_S + (4.0 + n) * HOUR_S, shown)
            found.setdefault(shown.__name__, []).append(there)
        camera.learn()
    assert min(min(nights) for nights in found.values()) > 0.8, found
    camera.look(NIGHTS * DAY_S)
    assert camera._view is None, "the night itself is known"
