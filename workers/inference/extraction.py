"""Features of a batch of frames. Where the batch fails, each frame is tried alone: a bad one costs only itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np

from models.engine.engine import Engine
from models.frames.detections import Detections
from models.frames.frame import CameraContext, Features, Frame

_TEST_SIDE_PX = 256
_LOG_EVERY_S = 60.0
log = logging.getLogger(__name__)

Extracted = tuple[tuple[Features, ...], Detections | None]  # one `Features` per stream; None: no detector in use


def extract(engine: Engine, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[Extracted | Exception]:
    """For each frame its features and detections, or the exception that it raised; in that case the context of its
    camera is as if the frame had not come.

    When every frame fails and a test picture fails too, the frames are not the cause: the engine's own exception is
    raised, to end the process.
    """
    try:
        return list(_extract(engine, frames, contexts))
    except Exception as error:  # noqa: BLE001 (border: an engine meets footage that nobody foresaw)
        log.debug("a batch of %d frames failed (%r): its frames are tried one by one", len(frames), error)
    results = [_extract_alone(engine, frame, context) for frame, context in zip(frames, contexts, strict=True)]
    errors = [result for result in results if isinstance(result, Exception)]
    if errors and len(errors) == len(results) and not _passes_test(engine):
        log.critical("%s fails on every picture: the device, its driver or the weights are broken", engine.profile.name)
        raise errors[0]
    return results


def _extract_alone(engine: Engine, frame: Frame, context: CameraContext) -> Extracted | Exception:
    try:
        [result] = _extract(engine, [frame], [context])
    except Exception as error:  # noqa: BLE001 (as above)
        return error
    return result


def _extract(engine: Engine, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[Extracted]:
    memories = [(context, dict(context.memory)) for context in contexts]  # values are replaced, never changed in place
    try:
        batch = engine.batch(frames, contexts)
        features = engine.features(batch)
        detections = batch.detections if engine.has_detector else [None] * len(features)
        return list(zip(features, detections, strict=True))
    except BaseException:
        for context, memory in memories:
            context.memory.clear()
            context.memory.update(memory)
        raise


def _passes_test(engine: Engine) -> bool:
    grey = np.linspace(0, 255, _TEST_SIDE_PX, dtype=np.uint8)
    rgb = np.broadcast_to(grey[:, None, None], (_TEST_SIDE_PX, _TEST_SIDE_PX, 3)).copy()
    context = CameraContext()
    pictures = [Frame(rgb, 0.0, discontinuity=True), Frame(np.roll(rgb, 2, axis=1), 0.2)]
    return not any(isinstance(_extract_alone(engine, picture, context), Exception) for picture in pictures)


class FailureLog:
    """Frames whose scoring raised an unforeseen exception. Logs a traceback at most once per camera and minute."""

    def __init__(self) -> None:
        self._logged_s: dict[str, float] = {}
        self._failed_s: dict[str, float] = {}

    def record(self, camera_id: str, seq: int, error: Exception) -> None:
        """A frame failed, and is dropped."""
        now_s = time.monotonic()
        self._failed_s[camera_id] = now_s
        if now_s - self._logged_s.get(camera_id, float("-inf")) >= _LOG_EVERY_S:
            self._logged_s[camera_id] = now_s
            log.error("%s: frame %d dropped, as are others that fail within a minute", camera_id, seq, exc_info=error)

    def failed_recently(self, camera_id: str) -> bool:
        """Whether a frame of it failed within the last minute: its frames are then batched apart from others'."""
        return time.monotonic() - self._failed_s.get(camera_id, float("-inf")) < _LOG_EVERY_S
