"""Reuse of results: where nothing has changed, networks would find what they found before; and what an average over a
second is made of need not be looked at in every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.frames.frame import CameraContext, Frame

BLOCK_PX = 8
SAMPLES_PER_S = 5
_MEMORY = "last fresh frame"
_SAMPLE = "last sample"
_EARLY_S = 0.06  # a frame so early counts for the next second: no usual rate has one where rounding decides


@dataclass(frozen=True, slots=True)
class _FreshFrame:
    """The last frame of a camera that passed the networks. ``second``: of its view, from 0."""

    blocks: NDArray[np.uint8]
    size: tuple[int, int]
    second: int


@dataclass(frozen=True)
class FrameReuse:
    """``tolerance``: mean grey levels by which a block of `BLOCK_PX` may differ in a still frame; 0: no frame is still.

    The first frame in every second of a view passes the networks however still it is. So a result is never older than
    a second, cameras take turns, and from the next second on a restarted worker that knows when the view began runs the
    networks on the same frames as any other.
    """

    tolerance: float = 0.0

    def fresh(self, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[bool]:
        """Which frames must pass the networks. Frames of one camera are in order of time."""
        if not self.tolerance:
            return [True] * len(frames)
        return [self._is_fresh(frame, context) for frame, context in zip(frames, contexts, strict=True)]

    def _is_fresh(self, frame: Frame, context: CameraContext) -> bool:
        previous = context.memory.get(_MEMORY)
        current = _FreshFrame(_blocks(frame.rgb), (frame.width, frame.height), _second(frame, context))
        if isinstance(previous, _FreshFrame) and not frame.discontinuity and self._same(previous, current):
            return False
        context.memory[_MEMORY] = current
        return True

    def _same(self, previous: _FreshFrame, current: _FreshFrame) -> bool:
        if previous.size != current.size or previous.second != current.second:
            return False
        return float(cv2.absdiff(previous.blocks, current.blocks).max()) <= self.tolerance


NEVER = FrameReuse()  # every frame passes the networks


@dataclass(frozen=True, slots=True)
class _Sample:
    """The last frame of a camera that was a sample."""

    at_s: float
    size: tuple[int, int]

    def goes_on(self, frame: Frame) -> bool:
        same = self.size == (frame.width, frame.height) and not frame.discontinuity
        return same and self.at_s < frame.at_s and _slot(self.at_s) == _slot(frame.at_s)


def is_sample(frame: Frame, context: CameraContext) -> bool:
    """Whether a frame is the first of its fifth of a second in an unbroken view. Frames of one camera are in order of
    time; a restarted worker takes the same samples as any other. At `SAMPLES_PER_S` and below, every frame is one."""
    last = context.memory.get(_SAMPLE)
    if isinstance(last, _Sample) and last.goes_on(frame):
        return False
    context.memory[_SAMPLE] = _Sample(frame.at_s, (frame.width, frame.height))
    return True


def _second(frame: Frame, context: CameraContext) -> int:
    """Of its view, from 0."""
    began_s = context.view_began_s
    if frame.discontinuity or began_s is None:
        began_s = frame.at_s
        context.begin_view(began_s)
    return math.floor(frame.at_s - began_s + _EARLY_S)


def _slot(at_s: float) -> int:
    """Shifted so that no frame of a recording at a usual rate lies where rounding decides."""
    return math.floor(at_s * SAMPLES_PER_S + 0.3)


def _blocks(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean grey level of each block."""
    height, width = rgb.shape[:2]
    size = max(1, width // BLOCK_PX), max(1, height // BLOCK_PX)
    return np.asarray(cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY), np.uint8)
