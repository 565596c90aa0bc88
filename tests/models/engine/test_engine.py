"""A profile's streams together: batches and restarts change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from known_networks import detections
from known_patches import known_patches
from moving_scene import FPS, scene

from models.engine.engine import Engine
from models.frames.detections import Detections
from models.frames.frame import HISTORY_S, CameraContext, Features, Frame
from models.frames.frame_reuse import FrameReuse
from models.networks.networks import Networks
from models.profiles.profile import load_profile

FRAMES = [Frame(scene(n / FPS, rush=n % 20 > 15), n / FPS, n == 0) for n in range(60)]


class Passing:
    """A detector that sees a person cross, and every so often a bicycle."""

    classes = ("person", "bicycle")
    crop_queries = ()

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._seen(round(frame.at_s * FPS)) for frame in frames]

    def _seen(self, number: int) -> Detections:
        x = 4.0 * (number % 40)
        person = ("person", 0.6 + 0.3 * (number % 7) / 7, (x, 40.0, x + 24.0, 100.0))
        bicycle = ("bicycle", 0.7, (100.0, 30.0, 140.0, 80.0))
        return detections(person, *([bicycle] if number % 11 < 4 else []))


@pytest.fixture(params=[0.0, 6.0], ids=["every frame", "still frames once a second"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(load_profile("objects"), cast("Networks", Passing()), FrameReuse(request.param), known_patches())


def extract(engine: Engine, frames: Sequence[Frame], view: CameraContext, size: int) -> list[tuple[Features, ...]]:
    edges = [*range(0, len(frames), size), len(frames)]
    batches = [frames[start:stop] for start, stop in pairwise(edges)]
    return [item for batch in batches for item in engine.extract(batch, [view] * len(batch))]


def assert_same(actual: Sequence[tuple[Features, ...]], expected: Sequence[tuple[Features, ...]]) -> None:
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-6)
            np.testing.assert_array_equal(one.groups, other.groups)
            np.testing.assert_allclose(one.boxes_xyxy_px, other.boxes_xyxy_px, atol=1e-6)


@pytest.mark.parametrize("size", [2, 7, 60])
def test_batches_do_not_matter(engine: Engine, size: int) -> None:
    expected = extract(engine, FRAMES, CameraContext(), 1)
    assert all(any(len(frame[stream].vectors) for frame in expected) for stream in range(3))
    assert_same(extract(engine, FRAMES, CameraContext(), size), expected)


@pytest.mark.parametrize("cut", [1, 9, 33, 50])
def test_a_camera_restarted_from_its_recent_frames_goes_on_as_if_nothing_had_been(engine: Engine, cut: int) -> None:
    expected = extract(engine, FRAMES, CameraContext(), 5)[cut:]
    stopped = CameraContext()
    extract(engine, FRAMES[:cut], stopped, 5)
    view = stopped.renewed()
    kept = [frame for frame in FRAMES[:cut] if frame.at_s >= FRAMES[cut - 1].at_s - HISTORY_S]
    extract(engine, kept, view, len(kept))
    assert_same(extract(engine, FRAMES[cut:], view, 5), expected)


def test_two_cameras_in_one_batch_keep_to_themselves(engine: Engine) -> None:
    alone = extract(engine, FRAMES[:20], CameraContext(), 1)
    views = [CameraContext(), CameraContext()]
    mixed = engine.extract([frame for frame in FRAMES[:20] for _ in views], views * 20)
    assert_same(mixed[::2], alone)
    assert_same(mixed[1::2], alone)
