"""The right one of several video tracks is read; pipes and devices are refused instead of waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import av
import av.stream
import numpy as np
import pytest

from patchwatch.contract.errors import SourceRejectedError
from workers.media.video import Video

DEFAULT = av.stream.Disposition.default
THUMB, SUB, MAIN = ("mjpeg", (96, 64), 1), ("libx264", (64, 36), 10), ("libx264", (320, 180), 30)


def write(path: Path, tracks: list[tuple[tuple[str, tuple[int, int], int], bool]]) -> Path:
    """Tracks of (codec, size, pictures), each with whether players choose it by default."""
    with av.open(str(path), "w") as container:
        streams = []
        for (codec, size, _), default in tracks:
            stream: Any = container.add_stream(codec, rate=10)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = DEFAULT if default else av.stream.Disposition(0)
            streams.append(stream)
        for stream, ((_, size, count), _) in zip(streams, tracks, strict=True):
            for number in range(count):
                rgb = np.full((size[1], size[0], 3), number * 8 % 255, np.uint8)
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=stream.pix_fmt)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize(
    "tracks",
    [
        [(THUMB, False), (MAIN, True)],
        [(THUMB, True), (MAIN, True)],
        [(THUMB, True), (MAIN, False)],
        [(SUB, False), (MAIN, True)],
        [(SUB, True), (MAIN, True)],
        [(MAIN, True), (SUB, False)],
        [(("mjpeg", (640, 480), 1), True), (MAIN, True)],
    ],
)
def test_the_main_track_is_read_wherever_it_stands(tmp_path: Path, suffix: str, tracks: Any) -> None:
    with Video.open(write(tmp_path / f"a.{suffix}", tracks)) as video:
        assert (video.width, video.height) == MAIN[1]
        assert len(list(video.frames())) == 15


def test_a_recording_of_nothing_but_jpegs_is_read(tmp_path: Path) -> None:
    with Video.open(write(tmp_path / "a.mov", [(("mjpeg", (96, 64), 20), True)])) as video:
        assert len(list(video.frames())) == 10


@pytest.mark.timeout(20)
def test_a_pipe_a_socket_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    pipe, endpoint = tmp_path / "x-fifo.mp4", tmp_path / "s.mp4"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(endpoint))
        for path in (pipe, endpoint, Path("/dev/zero")):
            with pytest.raises(SourceRejectedError, match="is not a file but a pipe, a socket or a device"):
                Video.open(path)
