"""Every stream tells how far it looks back: older pictures change nothing in a frame's vectors."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import DetectedObject, perception_of
from known_patches import known_patches
from numpy.typing import NDArray

from models.banks.folds import Folds
from models.engine.engine import make_stream, one_thread
from models.frames.frame import CameraContext, Frame
from models.profiles.profile import StreamKind, StreamSpec, load_profiles
from models.streams.base import Stream

FRAMES = 16
PICTURES, OTHER = np.random.default_rng(1).integers(0, 256, (2, FRAMES, 96, 144, 3), np.uint8)
CLASSES = ("person", "bicycle")
OPTIONS = {spec.kind: dict(spec.options) for spec in load_profiles()["objects"].streams}
LOOKING_BACK = (StreamKind.MOTION, StreamKind.PLACE, StreamKind.VELOCITY, StreamKind.CATEGORY)
OF_ONE_PICTURE = (StreamKind.GLOBAL, StreamKind.LOCAL)


@pytest.fixture(autouse=True)
def _as_live() -> None:
    one_thread()


def _stream(kind: StreamKind) -> Stream:
    return make_stream(StreamSpec(kind.value, kind, 1.0, options=OPTIONS.get(kind, {})), CLASSES)


def _vectors(stream: Stream, times_s: NDArray[np.float64], changed: int) -> NDArray[np.float32]:
    """Those of the last frame, where the first so many pictures, and what is detected in them, are others."""
    view, sure = CameraContext(), np.linspace(0.5, 0.9, FRAMES)
    sure[:changed] -= 0.2
    pictures = [*OTHER[:changed], *PICTURES[changed:]]
    objects: list[list[DetectedObject]] = [[("person", share, (40, 30, 100, 120))] for share in sure.tolist()]
    frames = [Frame(rgb, at_s) for rgb, at_s in zip(pictures, times_s.tolist(), strict=True)]
    batch = perception_of(frames, objects, view)
    batch._patch_network = known_patches()
    return stream.extract(batch)[-1].vectors


@pytest.mark.parametrize("fps", [5.0, 12.5])
@pytest.mark.parametrize("kind", LOOKING_BACK)
def test_vectors_depend_on_no_older_picture_than_the_stream_tells(kind: StreamKind, fps: float) -> None:
    stream, times_s = _stream(kind), np.arange(FRAMES) / fps
    assert stream.look_back_s is not None
    oldest = int(Folds(times_s.astype(int), times_s, np.zeros(FRAMES, int))._oldest_pictures(stream.look_back_s)[-1])
    unchanged, before, within = (_vectors(stream, times_s, changed) for changed in (0, oldest, oldest + 3))
    np.testing.assert_array_equal(before, unchanged)
    assert not np.array_equal(within, unchanged), "nor does it tell of much more"


@pytest.mark.parametrize("kind", OF_ONE_PICTURE)
def test_appearance_is_that_of_one_picture(kind: StreamKind) -> None:
    assert _stream(kind).look_back_s is None


def test_no_stream_is_left_out_here() -> None:
    assert {*LOOKING_BACK, *OF_ONE_PICTURE} == set(StreamKind)
