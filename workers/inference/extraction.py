"""Features of a batch of frames: frame by frame where the batch fails, so that a bad frame costs nothing but itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.engine.engine import Engine
from models.frames.frame import CameraContext, Features, Frame
from models.streams.frame_batch import FrameBatch

_TEST_SIDE_PX = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extracted:
    """Features of one frame, one per stream, and the perception in which it is number ``number``."""

    perception: FrameBatch
    number: int
    features: tuple[Features, ...]


def extract(engine: Engine, frames: Sequence[Frame], views: Sequence[CameraContext]) -> list[Extracted | Exception]:
    """For each frame its features, or what it raised: its view is then as if the frame had not been.

    When every frame fails and a test picture does too, it is not the frames: the engine's own exception goes on, to
    end the process.
    """
    try:
        return list(_extract(engine, frames, views))
    except Exception as error:  # noqa: BLE001 (border: an engine meets footage that nobody foresaw)
        log.debug("a batch of %d frames failed (%r): one by one", len(frames), error)
    found = [_alone(engine, frame, view) for frame, view in zip(frames, views, strict=True)]
    failed = [one for one in found if isinstance(one, Exception)]
    if failed and len(failed) == len(found) and not _works(engine):
        log.critical("%s fails on everything: device, driver or weights are broken", engine.profile.name)
        raise failed[0]
    return found


def _alone(engine: Engine, frame: Frame, view: CameraContext) -> Extracted | Exception:
    try:
        [found] = _extract(engine, [frame], [view])
    except Exception as error:  # noqa: BLE001 (as above)
        return error
    return found


def _extract(engine: Engine, frames: Sequence[Frame], views: Sequence[CameraContext]) -> list[Extracted]:
    before = [(view, dict(view.memory)) for view in views]  # what is remembered is replaced, never changed
    try:
        perception = engine.perceive(frames, views)
        return [Extracted(perception, number, found) for number, found in enumerate(engine.features(perception))]
    except BaseException:
        for view, memory in before:
            view.memory.clear()
            view.memory.update(memory)
        raise


def _works(engine: Engine) -> bool:
    grey = np.linspace(0, 255, _TEST_SIDE_PX, dtype=np.uint8)
    rgb = np.broadcast_to(grey[:, None, None], (_TEST_SIDE_PX, _TEST_SIDE_PX, 3)).copy()
    view = CameraContext()
    tests = [Frame(rgb, 0.0, discontinuity=True), Frame(np.roll(rgb, 2, axis=1), 0.2)]
    return not isinstance(_alone(engine, tests[0], view), Exception) and not isinstance(
        _alone(engine, tests[1], view), Exception
    )
