"""Publishes pictures over RTSP at the pace of a camera: ``python -m patchwatch.demo.publisher``."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Annotated

import av
import numpy as np
import typer
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.demo.pictures import TimedPicture, file_pictures, scene_pictures
from patchwatch.demo.scene.scene import SCENE_FPS, Scene
from patchwatch.demo.scene.script import ANOMALY_EVERY_S, FIRST_ANOMALY_S, repeating
from workers.runtime.processes.parent_watch import stop_when_stdin_ends

_TIME_BASE = Fraction(1, 90_000)
_X264_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "threads": "1"}
_RETRY_S = 1.0
CONNECT_WITHIN_S = 20.0
_LEAD_S = 8.0  # who runs or falls walks into the picture before
LATE_S = 0.5  # A publisher leaves out pictures that are later than this, rather than fall behind ever more.


class Publisher:
    """Sends pictures to an ``rtsp://`` address over TCP, each at its time. Reconnects when the connection ends."""

    def __init__(
        self,
        url: str,
        on_start: Callable[[int], None] = lambda started_at_ns: None,
        *,
        late_s: float = LATE_S,
        fps: int = SCENE_FPS,
    ) -> None:
        self._url = url
        self._fps = fps  # for the encoder: a key frame each second
        self._late_s = late_s
        self._on_start = on_start
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._connected_s = 0.0
        self.at_s = 0.0  # Of the last picture, on the pictures' own time.
        self.sent = 0
        self.left_out = 0  # Pictures that were too late to send.
        self.connects = 0

    def publish(self, pictures: Iterable[TimedPicture], until_s: float) -> None:
        """Send until ``until_s`` of the pictures' own time.

        Raises `SourceUnavailableError` when the address accepts no publisher for about 20 seconds.
        """
        clock: float | None = None
        for timed in pictures:
            if timed.at_s > until_s:
                return
            if clock is not None and time.monotonic() - clock - timed.at_s > self._late_s and not timed.cut:
                self.left_out += 1
                continue
            self.at_s = timed.at_s
            rgb = timed.draw()
            if timed.cut:
                self.close()
            if self._container is None:
                self._connect(rgb, timed.at_s)
            if clock is None:
                clock = time.monotonic() - timed.at_s
                self._on_start(time.time_ns() - int(timed.at_s * 1e9))
            time.sleep(max(0.0, clock + timed.at_s - time.monotonic()))
            self._send(rgb, timed.at_s)

    def close(self) -> None:
        """End the connection."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(OSError, av.FFmpegError):  # The other side may have closed it already.
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
        stream = container.add_stream("libx264", rate=self._fps, options=_X264_OPTIONS | {"g": str(self._fps)})
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", _TIME_BASE
        stream.codec_context.time_base = _TIME_BASE
        self._stream, self._connected_s = stream, at_s
        container.start_encoding()
        self.connects += 1


def _exit(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _tell(name: str, value: int) -> None:
    print(json.dumps({name: value}), flush=True)


def publish(
    url: Annotated[str, typer.Argument(help="rtsp:// address to publish to.")],
    file: Annotated[Path | None, typer.Option(help="A video file, looped. Default: the rendered scene.")] = None,
    seed: Annotated[int, typer.Option(help="Which day of the scene.")] = 1,
    first_anomaly: Annotated[float, typer.Option(help="Second of the first scripted anomaly.")] = FIRST_ANOMALY_S,
    every: Annotated[float, typer.Option(help="Seconds from one anomaly to the next.")] = ANOMALY_EVERY_S,
    fps: Annotated[int, typer.Option(min=1, help="Pictures of the scene a second.")] = SCENE_FPS,
    duration: Annotated[float, typer.Option(help="Seconds of the pictures' own time.")] = float("inf"),
    late: Annotated[float, typer.Option(help="Pictures that are later than this many seconds are left out.")] = LATE_S,
    await_signal: Annotated[bool, typer.Option(help="Anomalies begin only after SIGUSR1.")] = False,
    stop_with_parent: Annotated[bool, typer.Option("--stop-with-parent", help="End when standard input ends.")] = False,
) -> None:
    """Publish pictures until stopped. Prints, as JSON, the wall-clock start, the picture time of the first anomaly
    (after SIGUSR1) and, at the end, the pictures left out."""
    if stop_with_parent:
        stop_when_stdin_ends()
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    scene = Scene(seed, () if await_signal else repeating(first_anomaly, every))
    pictures = scene_pictures(scene, fps) if file is None else file_pictures(file)

    publisher = Publisher(url, lambda at_ns: _tell("started_at_ns", at_ns), late_s=late, fps=fps)

    def begin(signum: int, frame: FrameType | None) -> None:
        if not scene.script:
            first_s = max(first_anomaly, publisher.at_s + _LEAD_S)
            scene.script = tuple(repeating(first_s, every))
            _tell("first_anomaly_ms", round(first_s * 1000))

    signal.signal(signal.SIGUSR1, begin)
    try:
        publisher.publish(pictures, duration)
    except (SourceRejectedError, SourceUnavailableError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    finally:
        publisher.close()
        _tell("left_out", publisher.left_out)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, rich_markup_mode=None)
    program.command()(publish)
    program()
