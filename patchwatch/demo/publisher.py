"""Publishes pictures over RTSP at the pace of a camera: ``python -m patchwatch.demo.publisher``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.demo.scene.scene import SCENE_FPS, Scene
from patchwatch.demo.scene.script import ANOMALY_EVERY_S, FIRST_ANOMALY_S, repeating
from workers.runtime.parent_watch import stop_when_stdin_ends

_TIME_BASE = Fraction(1, 90_000)
_X264_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": str(SCENE_FPS), "threads": "1"}
_RETRY_S = 1.0
CONNECT_WITHIN_S = 20.0
_MAX_SIDE_PX = 1280
LATE_S = 0.5  # a publisher this late leaves pictures out rather than fall behind ever more


@dataclass(frozen=True)
class Moment:
    """A picture that is drawn or decoded only when asked for, and the time it belongs to."""

    at_s: float
    draw: Callable[[], NDArray[np.uint8]]
    cut: bool = False  # the picture before it is of another time: a new connection, as from a camera that restarted


def scene_moments(scene: Scene) -> Iterator[Moment]:
    """Every moment of the scene at its rate, without end."""
    for number in count():
        at_s = number / SCENE_FPS
        yield Moment(at_s, partial(scene.picture, at_s))


def file_moments(path: Path) -> Iterator[Moment]:
    """Pictures of a video file, again from the start after its end.

    Raises `SourceRejectedError` when it is missing, is no video, or holds no picture that can be decoded.
    """
    offset_s = 0.0
    while True:
        last_s, step_s = -1.0, 0.04
        for at_s, rgb in _once(path):
            yield Moment(offset_s + at_s, partial(_even, rgb), cut=last_s < 0 < offset_s)
            step_s, last_s = min(at_s - max(last_s, 0.0), 1.0), at_s
        if last_s < 0:
            raise SourceRejectedError(f"{path}: no picture could be decoded; give a video file", reason="no_video")
        offset_s += last_s + max(step_s, 0.001)


def _once(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    try:
        container = av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise SourceRejectedError(f"{path}: {why}; give a video file that ffmpeg can read", reason="no_video") from None
    with container:
        if not container.streams.video:
            raise SourceRejectedError(f"{path} has no video track; give a video file", reason="no_video")
        first_s, last_s = None, -1.0
        with suppress(av.FFmpegError):  # a truncated file ends where it is broken
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
    rgb: NDArray[np.uint8] = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    return rgb


class Publisher:
    """Sends pictures to an ``rtsp://`` address by TCP, each when its time has come; reconnects when cut off."""

    def __init__(
        self, url: str, on_start: Callable[[int], None] = lambda started_at_ns: None, *, late_s: float = LATE_S
    ) -> None:
        self._url = url
        self._late_s = late_s
        self._on_start = on_start
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._connected_s = 0.0
        self.sent = 0
        self.left_out = 0  # for want of time
        self.connects = 0

    def publish(self, moments: Iterable[Moment], until_s: float) -> None:
        """Send until ``until_s`` of the pictures' own time.

        Raises `SourceUnavailableError` when the address takes no publisher for about 20 seconds.
        """
        clock: float | None = None
        for moment in moments:
            if moment.at_s > until_s:
                return
            if clock is not None and time.monotonic() - clock - moment.at_s > self._late_s and not moment.cut:
                self.left_out += 1
                continue
            rgb = moment.draw()
            if moment.cut:
                self.close()
            if self._container is None:
                self._connect(rgb, moment.at_s)
            if clock is None:
                clock = time.monotonic() - moment.at_s
                self._on_start(time.time_ns() - int(moment.at_s * 1e9))
            time.sleep(max(0.0, clock + moment.at_s - time.monotonic()))
            self._send(rgb, moment.at_s)

    def close(self) -> None:
        """Say goodbye to the endpoint."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(OSError, av.FFmpegError):  # the other side may have gone already
                container.close()

    def _send(self, rgb: NDArray[np.uint8], at_s: float) -> None:
        try:
            self._mux(rgb, at_s)
        except (OSError, av.FFmpegError):
            self.close()
            self._connect(rgb, at_s)

    def _mux(self, rgb: NDArray[np.uint8], at_s: float) -> None:
        assert self._container is not None
        assert self._stream is not None
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        frame.pts, frame.time_base = round((at_s - self._connected_s) / _TIME_BASE), _TIME_BASE
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self.sent += 1

    def _connect(self, rgb: NDArray[np.uint8], at_s: float) -> None:
        deadline = time.monotonic() + CONNECT_WITHIN_S
        while True:
            try:
                self._open(rgb, at_s)
                return
            except (OSError, av.FFmpegError) as error:
                self.close()
                if time.monotonic() > deadline:
                    raise SourceUnavailableError(
                        f"{redact(self._url)} takes no publisher ({type(error).__name__}): is the camera added?",
                        reason="refused",
                    ) from None
            time.sleep(_RETRY_S)

    def _open(self, rgb: NDArray[np.uint8], at_s: float) -> None:
        container = av.open(
            self._url, "w", format="rtsp", options={"rtsp_transport": "tcp", "timeout": "5000000"}, timeout=10
        )
        self._container = container
        stream = container.add_stream("libx264", rate=SCENE_FPS, options=_X264_OPTIONS)
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", _TIME_BASE
        stream.codec_context.time_base = _TIME_BASE
        self._stream, self._connected_s = stream, at_s
        container.start_encoding()
        self.connects += 1


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str] | None = None) -> int:
    """Publish until told to stop. Of the output the first line is a JSON object with the wall-clock start, the last
    one with the number of pictures that were left out.
    """
    parser = argparse.ArgumentParser(prog="patchwatch.demo.publisher", description=__doc__)
    parser.add_argument("url", help="rtsp:// address to publish to")
    parser.add_argument("--file", type=Path, help="a video file, looped; default: the rendered scene")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first-anomaly", type=float, default=FIRST_ANOMALY_S)
    parser.add_argument("--every", type=float, default=ANOMALY_EVERY_S)
    parser.add_argument("--duration", type=float, default=float("inf"))
    parser.add_argument("--late", type=float, default=LATE_S, help="seconds behind its time that leave a picture out")
    parser.add_argument("--stop-with-parent", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    if options.stop_with_parent:
        stop_when_stdin_ends()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    publisher = Publisher(
        options.url, lambda started: print(json.dumps({"started_at_ns": started}), flush=True), late_s=options.late
    )
    if options.file is not None:
        moments = file_moments(options.file)
    else:
        moments = scene_moments(Scene(options.seed, repeating(options.first_anomaly, options.every)))
    try:
        publisher.publish(moments, options.duration)
    except (SourceRejectedError, SourceUnavailableError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        publisher.close()
        print(json.dumps({"left_out": publisher.left_out}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
