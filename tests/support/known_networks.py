"""Networks whose answers the test gives, so that streams can be tested without torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from models.frames.detections import Detections
from models.frames.frame import CameraContext, Frame
from models.frames.optical_flow import Flow
from models.networks.networks import Networks
from models.streams.frame_batch import FrameBatch

DetectedObject = tuple[str, float, tuple[float, float, float, float]]  # label, confidence, box


class KnownNetworks:
    """Detects what it is given, frame by frame."""

    crop_queries = ()

    def __init__(self, per_frame: Iterable[Sequence[DetectedObject]]) -> None:
        self._answers = [detections(*item) for item in per_frame]

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        assert len(frames) == len(self._answers)
        return self._answers


def detections(*objects: DetectedObject) -> Detections:
    boxes = np.array([box for _, _, box in objects], np.float32).reshape(-1, 4)
    return Detections(
        boxes, np.array([sure for _, sure, _ in objects], np.float32), tuple(label for label, _, _ in objects)
    )


def perception_of(
    frames: Sequence[Frame],
    objects: Iterable[Sequence[DetectedObject]],
    view: CameraContext,
    flows: Sequence[Flow | None] | None = None,
) -> FrameBatch:
    """A batch of one camera with these detections, and these flows unless they are to be measured."""
    perception = FrameBatch(frames, [view] * len(frames), cast("Networks", KnownNetworks(objects)))
    if flows is not None:
        perception.__dict__["flows"] = list(flows)
    return perception
