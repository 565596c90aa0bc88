"""Dense optical flow: how fast everything in the picture moves, in a unit that rate and size do not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.frames.frame import CameraContext, Frame

LONG_SIDE_PX = 360  # frames are brought to this size: docs/decisions/002-motion-stream.md
SHORT_SIDE_MIN_PX = 64  # of very wide or tall pictures: the pyramid of the flow needs some room
MAX_GAP_S = 1.5  # frames further apart than this are not compared: a camera at 1 fps may come late
_MEMORY = "flow"


@dataclass(frozen=True, slots=True)
class Flow:
    """Motion between two successive frames of a camera.

    ``velocity``: float32 (h, w, 2) at the working size, rightward and downward, in **long sides of the picture per
    second**: something that crosses the longer side in 4 s moves at 0.25, whatever the rate and size of the frames.
    ``since_s``, ``at_s``: capture times of the two frames.
    """

    velocity: NDArray[np.float32]
    since_s: float
    at_s: float

    def only(self, counted: NDArray[np.float32]) -> Flow:
        """Without what moves where ``counted``, float32 (h, w, 2), is 0 and not 1: it stands still."""
        return Flow(self.velocity * counted, self.since_s, self.at_s)

    @property
    def speed(self) -> NDArray[np.float32]:
        """float32 (h, w), in the same unit."""
        return magnitude(self.velocity)


@dataclass(frozen=True, slots=True)
class _Compared:
    """One of two pictures that are compared: grey, at the working size."""

    grey: NDArray[np.uint8]
    at_s: float
    size: tuple[int, int]

    @classmethod
    def of(cls, frame: Frame) -> _Compared:
        return cls(_at_working_size(frame.grey), frame.at_s, (frame.width, frame.height))


class FlowEstimator:
    """DIS optical flow (Kroeger et al., ECCV 2016) by OpenCV. Not thread-safe. Equal frames give equal flows."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def flows(self, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[Flow | None]:
        """Flow of each frame since its preceding picture, or else the previous frame of the same camera, which its
        context remembers.

        None for the first frame, at a discontinuity, after a gap of more than `MAX_GAP_S`, when the time did not
        rise, and when the picture's size changed.
        """
        return [self._next(frame, context) for frame, context in zip(frames, contexts, strict=True)]

    def _next(self, frame: Frame, context: CameraContext) -> Flow | None:
        previous = context.memory.get(_MEMORY)
        if frame.preceding is not None:
            previous = _Compared.of(frame.preceding)
        current = _Compared.of(frame)
        context.memory[_MEMORY] = current
        if not isinstance(previous, _Compared) or frame.discontinuity or previous.size != current.size:
            return None
        elapsed_s = current.at_s - previous.at_s
        if not 0.0 < elapsed_s <= MAX_GAP_S:
            return None
        moved = self._dis.calc(previous.grey, current.grey, None)  # type: ignore[call-overload]  # None: no first guess
        velocity = np.asarray(moved, np.float32)
        rows = velocity.reshape(len(velocity), -1)  # x, y, x, y: one long factor is ten times as fast as one of two
        rows *= np.tile(_sides_per_px(current, elapsed_s), velocity.shape[1])
        return Flow(velocity, previous.at_s, current.at_s)


def magnitude(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths of vectors (..., 2): `numpy.linalg.norm` to the last bit, at a tenth of its time."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(np.sqrt(x * x + y * y), np.float32)


def _sides_per_px(picture: _Compared, elapsed_s: float) -> NDArray[np.float32]:
    """Factor from working pixels moved to long sides per second, of x and y."""
    (width, height), (rows, columns) = picture.size, picture.grey.shape
    per_second = 1.0 / (max(width, height) * elapsed_s)
    return np.array([width / columns * per_second, height / rows * per_second], np.float32)


def _at_working_size(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    scale = LONG_SIDE_PX / max(height, width)
    size = max(SHORT_SIDE_MIN_PX, round(width * scale)), max(SHORT_SIDE_MIN_PX, round(height * scale))
    if (width, height) != size:
        shrinks = size[0] <= width and size[1] <= height
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)
    return grey
