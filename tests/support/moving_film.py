"""The moving scene as a recording."""

from __future__ import annotations

from pathlib import Path

import av
from moving_scene import FPS, HEIGHT, WIDTH, scene


def film(path: Path, seconds: int) -> Path:
    """Write a recording of the scene, without a rush, and return where it is."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n in range(seconds * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(n / FPS))))
        container.mux(stream.encode())
    return path
