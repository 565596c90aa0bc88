"""A batch of frames of any cameras, and what several streams want to know of it, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.detections import Detections
from models.flow import Flow, FlowEstimator
from models.frame import Frame

if TYPE_CHECKING:  # torch is imported only where a profile needs a network
    from models.networks import Networks


@dataclass
class View:
    """What must be remembered of one camera between its frames: plain values, keyed by stream name.

    It is rebuilt after a restart by showing the last few frames again, so it may depend on at most
    `models.perception.HISTORY_S` seconds of frames.
    """

    memory: dict[str, object] = field(default_factory=dict)


HISTORY_S = 1.5


class Perception:
    """Frames with their cameras' views. Frames of one camera stand in order of time.

    Networks run lazily, once per batch, on first use: `detections`, `frame_vectors`, `crop_vectors`.
    """

    def __init__(self, frames: Sequence[Frame], views: Sequence[View], networks: Networks | None = None) -> None:
        if len(frames) != len(views):
            raise ValueError(f"{len(frames)} frames with {len(views)} views")
        self.frames = list(frames)
        self.views = list(views)
        self._networks = networks

    @cached_property
    def flows(self) -> list[Flow | None]:
        """Optical flow per frame since the previous one of its view; None where there is nothing to compare with."""
        return FlowEstimator().flows(self.frames, self.views)

    @property
    def networks(self) -> Networks:
        if self._networks is None:
            raise ValueError("this profile has no networks")
        return self._networks

    @cached_property
    def detections(self) -> list[Detections]:
        """Boxes per frame (all classes the detector was asked for)."""
        return self.networks.detect(self.frames)

    @cached_property
    def _embeddings(self) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        boxes = [np.zeros((0, 4), np.float32) for _ in self.frames]
        if self.networks.has_detector:  # a profile with only the whole frame has none
            boxes = [found.boxes_xyxy_px for found in self.detections]
        return self.networks.embed(self.frames, boxes)

    @property
    def frame_vectors(self) -> NDArray[np.float32]:
        """float32 (frames, 1536): the whole frame through the trunk."""
        return self._embeddings[0]

    @property
    def crop_vectors(self) -> list[NDArray[np.float32]]:
        """Per frame float32 (boxes, 1536), aligned with `detections`. One trunk forward with `frame_vectors`."""
        return self._embeddings[1]
