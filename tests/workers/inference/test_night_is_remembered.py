"""The recorder follows a camera over its level, and no other; what has lasted all over its picture may be learnt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving_scene import FPS, scene
from remembered import motion_engine
from scene_bank import bank_of_the_scene

from models.banks.bank_file import save_bank
from models.engine import usual_look
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Frame
from models.memory.store import MemoryStore
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from workers.inference.camera_state import CameraState
from workers.inference.recording import new_view
from workers.inference.recording.camera_recording import Verdict
from workers.inference.recording.judged_frame import JudgedFrame
from workers.inference.recording.normal_recorder import NormalRecorder
from workers.media import jpeg_codec

STARTED_MS = 1_800_000_000_000


class Loaded:
    """An engine cache whose engine is loaded."""

    def __init__(self) -> None:
        self.engine = motion_engine()

    def get(self, profile: str) -> Engine:
        return self.engine


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def recorder(settings: Settings) -> Iterator[NormalRecorder]:
    made = NormalRecorder(settings)
    yield made
    made.stop()


def test_another_picture_that_lasts_is_remembered_to_be_learnt_and_then_nothing_is_followed_any_more(
    settings: Settings, recorder: NormalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_view, "LASTS_S", 8.0)
    monkeypatch.setattr(usual_look, "SETTLED_S", 3.0)
    engines: Any = Loaded()
    save_bank(bank_of_the_scene(engines.engine), settings.bank_path("cam", "motion"))
    state = CameraState(Camera(id="cam", profile="motion"), CameraKeys.for_camera("cam", 2), b"")
    state.bank.refresh(settings, engines)
    scorer: Any = state.bank.scorer
    followed = [show(state, recorder, scorer, n / FPS, snows=5 * FPS <= n < 29 * FPS) for n in range(44 * FPS)]
    assert not any(followed[: 5 * FPS])
    assert all(followed[8 * FPS : 29 * FPS])
    assert not any(followed[-5 * FPS :])
    assert recorder.settle(60.0, pausing=True)
    store = MemoryStore(settings.memory_path("cam", "motion"), 64)
    stretches = [store.read(info.id) for info in store.infos()]
    at_s = np.concatenate([one.times_s for one in stretches])
    learnable = np.concatenate([one.learnable for one in stretches])
    assert not learnable[(at_s > 8) & (at_s < 13)].any()
    assert learnable[(at_s > 21) & (at_s < 23.5)].all(), "the last five seconds are excluded with what came then"


def show(state: CameraState, recorder: NormalRecorder, scorer: FrameScorer, at_s: float, *, snows: bool) -> bool:
    """Whether the camera is followed after this frame."""
    picture = scene(at_s)
    if snows:
        flakes = np.random.default_rng(round(at_s * FPS)).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        picture = np.asarray(cv2.resize(flakes, picture.shape[1::-1]), np.uint8)
    frame = Frame(picture, at_s, discontinuity=at_s == 0)
    assert state.bank.engine is not None
    [features] = state.bank.engine.extract([frame], [state.bank.context])
    score = scorer.score(features, at_s, discontinuity=frame.discontinuity)
    event = scorer.open_event
    recorder.waiting.append(JudgedFrame(
        state.camera, state.bank.engine, state.bank.context.mask.view, STARTED_MS + round(at_s * 1000), at_s,
        frame.discontinuity, frame.width, frame.height, jpeg_codec.encode(picture, 80), features,
        Verdict(score.score, scorer.rule.on, event.started_s if event else None), scorer, score,
    ))  # fmt: skip
    recorder.record_waiting()
    return bool(recorder._new_views)
