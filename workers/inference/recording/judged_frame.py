"""An analysed frame as the memory of normal takes it up, up to a second later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.frames.view import View
from patchwatch.messages.cameras.camera import Camera
from workers.inference.recording.camera_recording import Verdict
from workers.media import jpeg_codec


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """What is left of a frame: its JPEG instead of its pixels, of which a thumbnail every few seconds is all that is
    needed, and everything as it was when the frame was judged.

    ``captured_ms``: Unix time. ``at_s``: the camera's own time. ``view``: what counted in its picture. ``scorer`` and
    ``score``: None where the camera has no bank.
    """

    camera: Camera
    engine: Engine
    view: View
    captured_ms: int
    at_s: float
    discontinuity: bool
    width: int
    height: int
    jpeg: bytes
    features: Sequence[Features]
    verdict: Verdict
    scorer: FrameScorer | None = None
    score: FrameScore | None = None

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (height, width, 3), decoded anew each time."""
        return jpeg_codec.decode(self.jpeg)
