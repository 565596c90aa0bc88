"""Category: what is there. A class of object that is never, or rarely, seen in this camera's normal footage stands out.

One vector of one number per class: its evidence, how surely it was seen during the last 0.6 s. So a wrong detection in
one frame is worth a third of a steady one at 5 frames per second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.exemplars.coreset import greedy_k_center
from models.exemplars.exemplars import Exemplars
from models.frames.detections import DetectionQuery, Detections
from models.frames.frame import CameraContext, Features, Frame
from models.frames.optical_flow import MAX_GAP_S
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import CategoryOptions
from models.streams.frame_batch import FrameBatch

WINDOW_S = 0.6
EXEMPLARS = 8  # of each class and seed
USUAL_SHARE = 0.99  # evidence that fewer normal frames than the rest reach is no part of normal: "rarely seen"
_FIRST_SHARE_S = 0.2  # a camera's first frame stands for as much time as one at the default rate
_PICTURE = 0  # the group and region that is always there: the picture as a whole, which is evidence of nothing

Seen = Mapping[int, tuple[float, NDArray[np.float32]]]  # by group: highest confidence, and its box


@dataclass(frozen=True, slots=True)
class _Entry:
    since_s: float  # when the frame before was: this one stands for the time since
    at_s: float
    size: tuple[int, int]
    seen: Seen


class CategoryStream:
    """Group 0 is the picture, always 0; then one group per class of the detector, where that class was seen lately.

    A class's region is its most confident object, in the latest frame that shows it.
    """

    dim = 1
    resolution = 0.1  # of a detector's confidence
    look_back_s = WINDOW_S

    def __init__(self, name: str, query: DetectionQuery, classes: Sequence[str]) -> None:
        self.name = name
        self._query = query
        self._classes = tuple(classes)
        self._groups = {label: number for number, label in enumerate(self._classes, start=1)}

    def extract(self, batch: FrameBatch) -> list[Features]:
        parts = zip(batch.frames, batch.contexts, batch.objects(self._query), strict=True)
        return [self._read(frame, context, detections) for frame, context, detections in parts]

    def _read(self, frame: Frame, context: CameraContext, detections: Detections) -> Features:
        window = self._remember(frame, context, detections)
        evidence: dict[int, float] = {_PICTURE: 0.0}
        boxes = {_PICTURE: np.array([0, 0, frame.width, frame.height], np.float32)}
        for entry in window:
            share_s = entry.at_s - max(entry.since_s, frame.at_s - WINDOW_S)
            for group, (sure, box) in entry.seen.items():
                evidence[group] = evidence.get(group, 0.0) + sure * share_s / WINDOW_S
                boxes[group] = box
        groups = sorted(evidence)
        vectors = np.array([[min(1.0, evidence[group])] for group in groups], np.float32)
        return Features(vectors, np.stack([boxes[group] for group in groups]), np.array(groups, np.int32))

    def _remember(self, frame: Frame, context: CameraContext, detections: Detections) -> tuple[_Entry, ...]:
        before: tuple[_Entry, ...] = context.memory.get(self.name, ())  # type: ignore[assignment]
        size = frame.width, frame.height
        elapsed_s = frame.at_s - before[-1].at_s if before else 0.0
        goes_on = before and not frame.discontinuity and before[-1].size == size and 0.0 < elapsed_s <= MAX_GAP_S
        kept = tuple(entry for entry in before if entry.at_s > frame.at_s - WINDOW_S) if goes_on else ()
        since_s = before[-1].at_s if goes_on else frame.at_s - _FIRST_SHARE_S
        window = (*kept, _Entry(since_s, frame.at_s, size, self._best(detections)))
        context.memory[self.name] = window
        return window

    def _best(self, detections: Detections) -> Seen:
        best: dict[int, tuple[float, NDArray[np.float32]]] = {}
        for label, sure, box in zip(
            detections.labels, detections.confidences.tolist(), detections.boxes_xyxy_px, strict=True
        ):
            group = self._groups[label]
            if group not in best or sure > best[group][0]:
                best[group] = sure, box
        return best

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        """vectors (classes + 1, 8, 1): per class the evidence that normal frames have of it, most often none.

        What only the highest hundredth of all frames reach is left out. Nothing is drawn by lot: all seeds are alike.
        """
        evidence = np.zeros((len(normal), len(self._classes) + 1), np.float32)
        regions = np.zeros(evidence.shape, np.int32)
        for number, features in enumerate(normal):
            evidence[number, features.groups] = features.vectors[:, 0]
            regions[number, features.groups] = np.arange(len(features))
        usual = evidence <= np.quantile(evidence, USUAL_SHARE, axis=0, method="lower")
        frames = np.stack([_spread(evidence[:, group], usual[:, group]) for group in range(evidence.shape[1])])
        groups = np.arange(len(frames))[:, None]
        return Exemplars(evidence[frames, groups][..., None], frames.astype(np.int32), regions[frames, groups])

    def preprocessing(self) -> dict[str, Any]:
        return {"classes_known": list(self._classes), "window_s": WINDOW_S, **self._query.as_json()}


def make(spec: StreamSpec, classes: Sequence[str]) -> CategoryStream:
    """``classes``: all that the detector knows.

    Raises `ConfigurationError` for options that `CategoryOptions` does not have.
    """
    return CategoryStream(spec.name, CategoryOptions.from_spec(spec).query, classes)


def _spread(evidence: NDArray[np.float32], usual: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The frames of `EXEMPLARS` values that cover the usual ones, beginning with the least; few are repeated."""
    frames = np.flatnonzero(usual)
    values = evidence[frames][:, None]
    chosen = greedy_k_center(values, count=EXEMPLARS, first=int(values.argmin()))
    return np.resize(frames[chosen], EXEMPLARS)
