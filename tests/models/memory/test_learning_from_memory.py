"""A bank that is learnt from the memory of footage judges as one that is learnt from the footage itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from known_patches import known_patches
from moving_scene import HEIGHT, WIDTH, scene

from models.alarms.calibration import score_of
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import CameraContext, Features, Frame
from models.memory.stretches.stretch_collector import StretchCollector
from models.memory.stretches.stretch_file import from_bytes, to_bytes
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import load_profile

FPS = 10
Frames = list[tuple[float, tuple[Features, ...]]]
SCENE = load_profile("scene")
FEW = tuple(replace(spec, options={"exemplars": 12}) for spec in SCENE.streams)  # quickly learnt
ENGINE = Engine(replace(SCENE, streams=FEW, seeds=(42,)), patch_network=known_patches())
NOISE = np.random.default_rng(4)


def extracted(seconds: int, picture_at: Callable[[float], np.ndarray]) -> list[tuple[Frame, tuple[Features, ...]]]:
    view, result = CameraContext(), []
    for n in range(seconds * FPS):
        noisy = picture_at(n / FPS) + NOISE.normal(0.0, 3.0, (HEIGHT, WIDTH, 3))
        frame = Frame(np.clip(noisy, 0, 255).astype(np.uint8), n / FPS, discontinuity=n == 0)
        [features] = ENGINE.extract([frame], [view])
        result.append((frame, features))
    return result


@cache
def footage() -> list[tuple[Frame, tuple[Features, ...]]]:
    return extracted(30, scene)


@cache
def remembered() -> tuple[Frames, int]:
    """The footage after a way over the disk, and the bytes it took."""
    identity = stretch_identity(ENGINE.profile, ENGINE.identity)
    frames: Frames = []
    size_bytes = 0
    collector = StretchCollector([spec.kind for spec in ENGINE.profile.streams], identity)
    for frame, features in [*footage(), (None, ())]:
        if frame is None or not collector.fits(frame):
            data = to_bytes(collector.finish())
            size_bytes += len(data)
            stretch = from_bytes(data)
            frames += list(zip(stretch.times_s.tolist(), zip(*stretch.features, strict=True), strict=True))
            collector = StretchCollector(stretch.kinds, identity)
        if frame is not None:
            collector.add(frame, 0, 0, features)
    return frames, size_bytes


def learnt(frames: Frames) -> Bank:
    builder = BankBuilder(ENGINE.profile, ENGINE.streams, ENGINE.identity, thumbnails_mb=0)
    for at_s, features in frames:
        builder.add(at_s, features, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return builder.build(["footage"])


def scored(bank: Bank, frames: Sequence[tuple[Frame, tuple[Features, ...]]]) -> np.ndarray:
    """(frames, 4): the scores that place and motion alone would give, 0..1, the score, and whether an event is open."""
    scorer, rows = FrameScorer(bank), []
    for frame, features in frames:
        score = scorer.score(features, frame.at_s, discontinuity=frame.discontinuity)
        rows.append(
            [np.nan if rarity is None else score_of(rarity) for rarity in score.rarities[:2]]
            + [score.score, score.event_open]
        )
    return np.array(rows)


def test_normal_and_anomalies_are_judged_alike_by_both_banks() -> None:
    test = extracted(20, lambda at_s: scene(at_s, rush=at_s >= 10.0))
    direct = learnt([(frame.at_s, features) for frame, features in footage()])
    again = learnt(remembered()[0])
    expected, actual = scored(direct, test), scored(again, test)
    differences = np.nanmean(np.abs(actual - expected)[:, :3], axis=0)
    assert differences.tolist() == pytest.approx([0.0, 0.0, 0.0], abs=0.1)
    assert np.corrcoef(actual[:, 2], expected[:, 2])[0, 1] > 0.97
    for event_open in (expected[:, 3], actual[:, 3]):
        assert not event_open[: 10 * FPS].any(), "no false alarm"
        assert event_open[11 * FPS :].mean() > 0.9, "the anomaly is found"


def test_half_a_minute_of_scene_takes_little_more_than_a_megabyte() -> None:
    assert remembered()[1] < 1_600_000
