"""Frames in which nothing has changed: what the networks found in the one before holds for them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.frames.frame import CameraContext, Frame

BLOCK_PX = 8
_MEMORY = "looked at"


@dataclass(frozen=True, slots=True)
class _Looked:
    """The last frame of a camera that passed the networks."""

    blocks: NDArray[np.uint8]
    size: tuple[int, int]
    second: int


@dataclass(frozen=True)
class FrameReuse:
    """``tolerance``: mean grey levels by which a block of `BLOCK_PX` may differ in a frame that is still; 0: none is.

    The first frame in every second of capture time is looked at however still it is: so a find is never older than a
    second, and from the next second on a worker that was started anew looks at the same frames as one that was not.
    """

    tolerance: float = 0.0

    def fresh(self, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[bool]:
        """Which frames the networks must look at. Frames of one view stand in order of time."""
        if not self.tolerance:
            return [True] * len(frames)
        return [self._is_fresh(frame, context) for frame, context in zip(frames, contexts, strict=True)]

    def _is_fresh(self, frame: Frame, context: CameraContext) -> bool:
        before = context.memory.get(_MEMORY)
        now = _Looked(_blocks(frame.rgb), (frame.width, frame.height), int(frame.at_s))
        if isinstance(before, _Looked) and not frame.discontinuity and self._same(before, now):
            return False
        context.memory[_MEMORY] = now
        return True

    def _same(self, before: _Looked, now: _Looked) -> bool:
        if before.size != now.size or before.second != now.second:
            return False
        return float(cv2.absdiff(before.blocks, now.blocks).max()) <= self.tolerance


NEVER = FrameReuse()  # every frame is looked at


def _blocks(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean grey level of each block."""
    height, width = rgb.shape[:2]
    size = max(1, width // BLOCK_PX), max(1, height // BLOCK_PX)
    return np.asarray(cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY), np.uint8)
