"""Small clips in which a patch drifts slowly to and fro, and from a time on rushes upward."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FPS = 10
SIZE = (192, 128)
_PATCH = (slice(38, 90), slice(58, 134))
_GENERATOR = np.random.default_rng(5)


def _texture() -> NDArray[np.uint8]:
    noise = cv2.GaussianBlur(_GENERATOR.integers(0, 256, (SIZE[1], SIZE[0])).astype(np.float32), (0, 0), 2.0)
    return np.asarray(np.clip((noise - 127.5) * 4 + 127.5, 0, 255), np.uint8)


_STILL, _MOVING = _texture(), _texture()


def pictures(*, seconds: float, rushes_from_s: float = 1e9) -> Iterator[NDArray[np.uint8]]:
    """uint8 (128, 192, 3) at 10 a second; normally the patch moves by a pixel a frame, in a rush by six."""
    for n in range(round(seconds * FPS)):
        rushed = max(0, n - round(min(rushes_from_s, seconds) * FPS) + 1)
        across, up = abs((n - rushed) % 60 - 30), 6 * rushed
        rgb = _STILL.copy()
        rgb[_PATCH] = np.roll(_MOVING, (-up, across), axis=(0, 1))[_PATCH]
        yield np.repeat(rgb[..., None], 3, axis=2)


def write_video(path: Path, *, seconds: float, rushes_from_s: float = 1e9, codec: str = "libx264") -> None:
    """A video file of those pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "bgr0" if codec == "ffv1" else "yuv420p"
        for rgb in pictures(seconds=seconds, rushes_from_s=rushes_from_s):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


def write_folders(folder: Path) -> Path:
    """``training``: two normal clips; ``testing``: one that rushes from frame 51 to 80, the end, and a normal one."""
    for name in ("a", "b"):
        write_video(folder / "training" / f"{name}.mp4", seconds=16)
    write_video(folder / "testing" / "rush.mp4", seconds=8, rushes_from_s=5.0)
    write_video(folder / "testing" / "calm.mp4", seconds=3)
    (folder / "labels.json").write_text(json.dumps({"testing": {"rush": [[51, 80]], "calm": []}}))
    return folder
