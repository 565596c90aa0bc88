"""Frames as an H.264 clip that browsers play: MP4 with its index in front, each frame at the time it was captured."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import numpy as np
from av import Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.evidence import ClipFacts, ClipSegment
from patchwatch.messages.cameras.zones.polygon import Polygon
from workers.enrolment.evidence.frame_file import SpooledFrame
from workers.media import jpeg_codec
from workers.media.privacy_mask import PrivacyMask

_TICKS = 90_000  # a second
_KEY_EVERY = 50  # frames: a player that seeks decodes at most so many
_LONGEST_FRAME_S = 2.0  # for which a frame is shown; more was filmed in between, and is a jump in time
_DEFAULT_FRAME_S = 0.2
# Two passes of this preset take some 4 ms for a frame of 640 x 360 on one core; without B-frames, times are simple.
_OPTIONS = {"preset": "veryfast", "crf": "23", "bf": "0", "threads": "1"}


@dataclass(frozen=True)
class TimedFrame:
    """``at_ticks``: when it is shown, from the beginning of the clip."""

    frame: SpooledFrame
    at_ticks: int


def schedule(frames: Sequence[SpooledFrame]) -> tuple[list[TimedFrame], list[ClipSegment], int]:
    """When each frame is shown, the segments without a jump in time, and the length of the clip in ticks.

    Between segments the clip goes on after the usual interval. ``frames``: in order, at least one.
    """
    steps = [(b.captured_at_ms - a.captured_at_ms) / 1000 for a, b in pairwise(frames)]
    usual = [step for step in steps if 0 < step <= _LONGEST_FRAME_S]
    usual_ticks = max(1, round(_TICKS * (median(usual) if usual else _DEFAULT_FRAME_S)))
    timed, begins, at_ticks = [TimedFrame(frames[0], 0)], [0], 0
    for number, step in enumerate(steps, 1):
        follows_on = 0 < step <= _LONGEST_FRAME_S
        at_ticks += round(step * _TICKS) if follows_on else usual_ticks
        timed.append(TimedFrame(frames[number], at_ticks))
        if not follows_on:
            begins.append(number)
    ends = [*begins[1:], len(timed)]
    segments = [_segment(timed[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    return timed, segments, at_ticks + usual_ticks


def _segment(timed: Sequence[TimedFrame]) -> ClipSegment:
    first, last = timed[0], timed[-1]
    return ClipSegment(
        first.frame.captured_at_ms, last.frame.captured_at_ms, round(first.at_ticks / _TICKS, 3), len(timed)
    )


def write_clip(
    path: Path, frames: Sequence[SpooledFrame], hidden: tuple[Polygon, ...], gone_frames: int = 0
) -> ClipFacts | None:
    """Write the clip: whole, or not at all. None, and no file, where no frame can be decoded.

    ``hidden``: what is black in it, in shares of the picture. Raises `OSError`, and `RejectedError` where FFmpeg cannot
    make a clip of it.
    """
    part = path.with_suffix(".part")
    decoded = [frame for frame in frames if _size(frame) is not None]
    if not decoded:
        return None
    timed, segments, length = schedule(decoded)
    width, height = _size(decoded[0]) or (0, 0)
    width, height = width - width % 2, height - height % 2  # colour is filmed for pairs of pixels
    with _errors(), av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = _stream(container, width, height)
        for shown, rgb in _pictures(timed, hidden):
            picture = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(width, height, "yuv420p")
            picture.pts, picture.time_base = shown.at_ticks, Fraction(1, _TICKS)
            _mux(container, stream.encode(picture), timed, length)
        _mux(container, stream.encode(), timed, length)
    os.replace(part, path)
    return ClipFacts(
        width=width, height=height, seconds=round(length / _TICKS, 3), segments=tuple(segments),
        missing_frames=gone_frames, privacy_zones=len(hidden),
    )  # fmt: skip


@contextmanager
def _errors() -> Iterator[None]:
    """A full disk stays an `OSError`: it is tried again. What FFmpeg cannot do, it cannot do the next time either."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError) or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            raise OSError(error.errno, error.strerror) from None
        raise RejectedError(f"FFmpeg cannot make a clip of the frames ({error.strerror})") from None


def _mux(
    container: OutputContainer, packets: list[Packet[VideoStream]], timed: Sequence[TimedFrame], length: int
) -> None:
    """The encoder does not say how long the last frame is shown."""
    for packet in packets:
        if packet.pts == timed[-1].at_ticks:
            packet.duration = length - timed[-1].at_ticks
        container.mux(packet)


def _stream(container: OutputContainer, width: int, height: int) -> VideoStream:
    stream = container.add_stream("libx264", rate=Fraction(_TICKS, 1), options=_OPTIONS)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
    stream.codec_context.gop_size = _KEY_EVERY
    return stream


def _pictures(
    timed: Sequence[TimedFrame], hidden: tuple[Polygon, ...]
) -> Iterator[tuple[TimedFrame, NDArray[np.uint8]]]:
    mask = PrivacyMask(hidden)
    for shown in timed:
        rgb = np.array(jpeg_codec.decode(shown.frame.jpeg))
        mask.hide(rgb)
        yield shown, rgb


def _size(frame: SpooledFrame) -> tuple[int, int] | None:
    """Width and height; None for a picture that cannot be decoded."""
    try:
        height, width = jpeg_codec.decode(frame.jpeg).shape[:2]
    except RejectedError:
        return None
    return (width, height) if width > 1 and height > 1 else None
