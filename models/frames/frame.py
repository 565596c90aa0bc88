"""A decoded frame, what streams extract from it, and what they remember of its camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.view import WHOLE, ViewMask

Box = tuple[float, float, float, float]  # x1, y1, x2, y2, in pixels of the frame unless said otherwise
_VIEW_BEGAN = "view began"
HISTORY_S = 2.0  # what networks found in a still frame is reused for up to 1 s, and streams look back 1 s from there


@dataclass(frozen=True)
class Frame:
    """One picture of one camera.

    ``rgb``: uint8 (height, width, 3). ``at_s``: capture time in seconds on any clock that does not jump within a
    connection. ``discontinuity``: nothing before this frame may be compared with it. ``cut``: a discontinuity
    that its source did not signal (`models.frames.scene_cuts`). ``predicted``: no picture since the frame before was
    coded on its own, so what has not changed may be what an encoder left out. ``preceding``: where frames are left
    out, the one at the interval that normal was learnt with; movement is measured since then.
    """

    rgb: NDArray[np.uint8]
    at_s: float
    discontinuity: bool = False
    cut: bool = False
    predicted: bool = False
    preceding: Frame | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"a frame is uint8 (height, width, 3), not {self.rgb.dtype} {self.rgb.shape}")

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """uint8 (height, width)."""
        return np.asarray(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY), np.uint8)

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])


@dataclass
class CameraContext:
    """``memory``: plain values, keyed by stream name; reserved keys (``flow``, ...) are not valid stream names.
    ``mask``: what counts in its picture.

    After a restart it is rebuilt from the last few frames, so it may depend on at most `HISTORY_S` seconds of them, and
    on when the view began, which is stored.
    """

    memory: dict[str, object] = field(default_factory=dict)
    mask: ViewMask = WHOLE

    @property
    def view_began_s(self) -> float | None:
        """The time of the first frame of its unbroken view, where that was asked for (`models.frames.frame_reuse`)."""
        return cast("float | None", self.memory.get(_VIEW_BEGAN))

    def begin_view(self, at_s: float) -> None:
        self.memory[_VIEW_BEGAN] = at_s

    def renewed(self) -> CameraContext:
        """Another of the same view, without its memory."""
        other = CameraContext()
        if self.view_began_s is not None:
            other.begin_view(self.view_began_s)
        return other


@dataclass(frozen=True, slots=True)
class Features:
    """Vectors of one stream for one frame; none at all when the stream has no evidence (no person, no flow yet).

    ``vectors``: float32 (n, dim). ``boxes_xyxy_px``: float32 (n, 4) in pixels of the frame.
    ``groups``: int32 (n,), the group of the bank each vector is compared with (cells of the motion stream; else 0).
    """

    vectors: NDArray[np.float32]
    boxes_xyxy_px: NDArray[np.float32]
    groups: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.vectors)
        if self.vectors.ndim != 2 or self.boxes_xyxy_px.shape != (n, 4) or self.groups.shape != (n,):
            raise ValueError(
                f"features of shapes {self.vectors.shape}, {self.boxes_xyxy_px.shape}, {self.groups.shape} do not match"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, chosen: NDArray[np.bool_]) -> Features:
        """Those that are chosen, bool (n,)."""
        if chosen.all():
            return self
        return Features(self.vectors[chosen], self.boxes_xyxy_px[chosen], self.groups[chosen])

    @classmethod
    def none(cls, dim: int) -> Features:
        """No evidence."""
        return cls(np.zeros((0, dim), np.float32), np.zeros((0, 4), np.float32), np.zeros(0, np.int32))

    @classmethod
    def ungrouped(cls, vectors: NDArray[np.float32], boxes_xyxy_px: NDArray[np.float32]) -> Features:
        """All vectors in one group."""
        return cls(vectors, boxes_xyxy_px, np.zeros(len(vectors), np.int32))
