"""Pictures to publish: of the rendered scene, or of a video file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.demo.scene.scene import SCENE_FPS, Scene

_MAX_SIDE_PX = 1280


@dataclass(frozen=True)
class TimedPicture:
    """A picture with its time, drawn or decoded only when ``draw`` is called.

    ``cut``: the picture before it is of another time, so a new connection is made, as by a camera that restarts.
    """

    at_s: float
    draw: Callable[[], NDArray[np.uint8]]
    cut: bool = False


def scene_pictures(scene: Scene, fps: int = SCENE_FPS) -> Iterator[TimedPicture]:
    """The pictures of the scene, without end."""
    for number in count():
        at_s = number / fps
        yield TimedPicture(at_s, partial(scene.picture, at_s))


def file_pictures(path: Path) -> Iterator[TimedPicture]:
    """The pictures of a video file, over and over.

    Raises `SourceRejectedError` when it is missing, is no video, or holds no picture that can be decoded.
    """
    offset_s = 0.0
    while True:
        last_s, step_s = -1.0, 0.04
        for at_s, rgb in _decoded(path):
            yield TimedPicture(offset_s + at_s, partial(_even, rgb), cut=last_s < 0 < offset_s)
            step_s, last_s = min(at_s - max(last_s, 0.0), 1.0), at_s
        if last_s < 0:
            raise SourceRejectedError(f"{path}: no picture could be decoded; give a video file", reason="no_video")
        offset_s += last_s + max(step_s, 0.001)


def _decoded(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    try:
        container = av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise SourceRejectedError(f"{path}: {why}; give a video file that ffmpeg can read", reason="no_video") from None
    with container:
        if not container.streams.video:
            raise SourceRejectedError(f"{path} has no video track; give a video file", reason="no_video")
        first_s, last_s = None, -1.0
        with suppress(av.FFmpegError):  # A truncated file ends where it is damaged.
            for frame in container.decode(video=0):
                at_s = frame.time if frame.time is not None else last_s + 0.04
                first_s = at_s if first_s is None else first_s
                if at_s - first_s > last_s:
                    last_s = at_s - first_s
                    yield last_s, frame


def _even(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """RGB, at most 1280 px on the long side, with even sides (H.264 in yuv420p has no others)."""
    shrink = min(1.0, _MAX_SIDE_PX / max(frame.width, frame.height))
    width, height = (max(2, round(side * shrink) // 2 * 2) for side in (frame.width, frame.height))
    return np.asarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), np.uint8)
