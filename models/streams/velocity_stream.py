"""Velocity: how fast each mover moves for its size, and in which direction.

Velocity of objects as evidence of anomaly: Reiss & Hoshen, "Attribute-based Representations" (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.exemplars.coreset import draw_coreset, draw_random
from models.exemplars.exemplars import Exemplars
from models.exemplars.perspective import SIZE, Perspective
from models.frames.detections import Detections
from models.frames.frame import CameraContext, Features, Frame
from models.frames.optical_flow import Flow, magnitude
from models.frames.tracks import Sighting, mean_along_tracks, recent
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import VelocityOptions
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import InsufficientFootageError

DIM = 4
_EDGE = 0.01  # of the picture's width and height: what comes so near to its edge may be cut off
_FAST_SHARE = 0.9  # quantile of the speeds within a box: its limbs and wheels


class VelocityStream:
    """One vector per mover, in its own heights per second: mean and 90th percentile of the speed inside of its box,
    mean velocity rightward and downward; then its size. Perspective drops out.

    What is half hidden, or moves undetected, is no measure of its own speed: a bank measures by the usual height of
    things where this one stands (`models.exemplars.perspective`), learnt from the camera's own detections.

    Movers are the detected objects of the wanted classes and, unless the profile says otherwise, whatever else moves.
    """

    dim = DIM
    resolution = 0.05  # heights per second

    def __init__(self, spec: StreamSpec, options: VelocityOptions, classes: Sequence[str] = ()) -> None:
        self.name = spec.name
        self._cap = spec.cap
        self._query = options.query
        self._exemplars = options.exemplars
        self._draw = options.draw
        self._track_s = options.track_s
        self.look_back_s = options.track_s  # 0: flow since the picture before
        self.neighbours = options.neighbours
        self._kinds = {label: kind for kind, label in enumerate(classes, start=1)}

    def extract(self, batch: FrameBatch) -> list[Features]:
        parts = zip(batch.frames, batch.contexts, batch.flows, batch.objects(self._query), strict=True)
        return [
            self._along_tracks(context, flow, self._read(frame, flow, detections))
            for frame, context, flow, detections in parts
        ]

    def _along_tracks(self, context: CameraContext, flow: Flow | None, features: Features) -> Features:
        """Mean speeds and velocities along each mover's track; sizes are those of the frame. Where there is no flow, a
        view begins, and its tracks with it."""
        if not self._track_s or flow is None:
            context.memory.pop(self.name, None)
            return features
        before: tuple[Sighting, ...] = context.memory.get(self.name, ())  # type: ignore[assignment]
        motion = features.vectors[:, :DIM]
        seen = recent((*before, Sighting(flow.since_s, flow.at_s, features.boxes_xyxy_px, motion)))
        context.memory[self.name] = seen
        along = mean_along_tracks(seen, self._track_s)
        return replace(features, vectors=np.concatenate([along, features.vectors[:, DIM:]], axis=1))

    def _read(self, frame: Frame, flow: Flow | None, detections: Detections) -> Features:
        if flow is None or not len(detections):
            return Features.none(DIM + SIZE)
        parts = zip(detections.boxes_xyxy_px, detections.labels, strict=True)
        vectors = np.stack([_vector(frame, flow, box, self._kind(frame, box, label)) for box, label in parts])
        return Features.ungrouped(vectors, detections.boxes_xyxy_px)

    def _kind(self, frame: Frame, box: NDArray[np.float32], label: str) -> int:
        across, down = _EDGE * frame.width, _EDGE * frame.height
        x1, y1, x2, y2 = box.tolist()
        whole = x1 > across and y1 > down and x2 < frame.width - across and y2 < frame.height - down
        return self._kinds.get(label, 0) if whole else 0

    def perspective(self, normal: Sequence[Features]) -> Perspective:
        sizes = [features.vectors[:, -SIZE:] for features in normal]
        return Perspective.fit(np.concatenate([np.zeros((0, SIZE), np.float32), *sizes]))

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        """vectors (1, exemplars, 4), by greedy k-center or at random, of features without sizes.

        Raises `InsufficientFootageError` when nothing moved.
        """
        moving = [features.vectors for features in normal if len(features)]
        if not moving:
            raise InsufficientFootageError(f"stream {self.name!r} found nothing moving in the normal footage")
        vectors = np.concatenate(moving)
        if self._draw == "random":
            return Exemplars.ungrouped(normal, draw_random(len(vectors), self._exemplars, seed))
        ratio = min(1.0, self._exemplars / min(len(vectors), self._cap))
        return Exemplars.ungrouped(normal, draw_coreset(vectors, ratio=ratio, cap=self._cap, seed=seed))

    def preprocessing(self) -> dict[str, Any]:
        vector = "mean speed, p90 speed, mean velocity; usual heights per second"
        tracks = {"track_s": self._track_s} if self._track_s else {}
        return {"vector": vector, **tracks, **self._query.as_json()}


def make(spec: StreamSpec, classes: Sequence[str] = ()) -> VelocityStream:
    """``classes``: all that the detector knows.

    Raises `ConfigurationError` for options that `VelocityOptions` does not have.
    """
    return VelocityStream(spec, VelocityOptions.from_spec(spec), classes)


def _vector(frame: Frame, flow: Flow, box: NDArray[np.float32], kind: int) -> NDArray[np.float32]:
    rows, columns = flow.velocity.shape[:2]
    x1, y1, x2, y2 = box.tolist()
    across, down = columns / frame.width, rows / frame.height
    left, top = min(int(x1 * across), columns - 1), min(int(y1 * down), rows - 1)
    right, bottom = max(int(np.ceil(x2 * across)), left + 1), max(int(np.ceil(y2 * down)), top + 1)
    long_side = max(frame.width, frame.height)
    height = max(y2 - y1, 1.0) / long_side
    velocity = flow.velocity[top:bottom, left:right].reshape(-1, 2) / np.float32(height)
    speed = magnitude(velocity)
    statistics = speed.mean(), np.quantile(speed, _FAST_SHARE), *velocity.mean(axis=0)
    return np.array([*statistics, y2 / long_side, height, kind], np.float32)
