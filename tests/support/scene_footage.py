"""Footage of the scene in a file, from which normal is learnt."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from patchwatch.demo.scene.scene import SCENE_FPS, Scene

X264_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "threads": "1"}


def write_footage(
    scene: Scene, seconds: float, path: Path, progress: Callable[[float], None] = lambda share: None
) -> None:
    """Render ``seconds`` of the scene from time 0 into an H.264 mp4. ``progress`` gets the share done (0..1)."""
    count = round(seconds * SCENE_FPS)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=SCENE_FPS, options=X264_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = scene.view.width, scene.view.height, "yuv420p"
        for number in range(count):
            container.mux(stream.encode(video_frame(scene.picture(number / SCENE_FPS), number)))
            progress((number + 1) / count)
        container.mux(stream.encode(None))


def video_frame(rgb: NDArray[np.uint8], number: int) -> av.VideoFrame:
    """A frame to encode, with this number at the scene's rate."""
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, SCENE_FPS)
    return frame
