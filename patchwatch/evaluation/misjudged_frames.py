"""The frames that a profile misjudges most, with pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.evaluation.clips import ClipFile, ClipFrames
from patchwatch.evaluation.report.clip_result import ClipResult, MisjudgedFrame
from workers.analysis.recordings import RecordingReader
from workers.media import jpeg_codec

COUNT = 6
_PER_CLIP = 2
_APART_S = 2.0
_LONG_SIDE_PX = 320
_QUALITY = 70
_SAME_INSTANT_S = 1e-4  # Timelines are rounded to this.


def worst_frames(clips: Sequence[ClipResult], frames: Sequence[ClipFrames], *, anomalous: bool) -> list[MisjudgedFrame]:
    """The anomalous frames with the lowest service scores, or the normal ones with the highest, worst first.

    At most six, of which two per clip, two seconds apart; without pictures. Frames without a leading stream, such as
    the first of a clip, are left out: no stream has judged them.
    """
    candidates = [
        frame
        for clip, clip_frames in zip(clips, frames, strict=True)
        for frame in _judged_frames(clip, clip_frames)
        if frame.anomalous == anomalous
    ]
    candidates.sort(key=lambda frame: frame.score if anomalous else -frame.score)
    chosen: list[MisjudgedFrame] = []
    for frame in candidates:
        same_clip = [other for other in chosen if other.clip == frame.clip]
        if len(same_clip) < _PER_CLIP and all(abs(other.at_s - frame.at_s) >= _APART_S for other in same_clip):
            chosen.append(frame)
        if len(chosen) == COUNT:
            break
    return chosen


def add_pictures(
    frames: Sequence[MisjudgedFrame], clips: Sequence[ClipFile], reader: RecordingReader
) -> tuple[MisjudgedFrame, ...]:
    """The same frames with small pictures, read from the clips again."""
    pictures = pictures_at([(frame.clip, frame.at_s) for frame in frames], clips, reader)
    return tuple(replace(frame, picture_jpeg=pictures[frame.clip, frame.at_s]) for frame in frames)


def pictures_at(
    moments: Iterable[tuple[str, float]], clips: Sequence[ClipFile], reader: RecordingReader
) -> dict[tuple[str, float], str]:
    """Small JPEGs, base64, of moments (name of the clip, seconds) of these clips. Each clip is read once.

    A moment that the clip does not reach has an empty string.
    """
    clip_by_name = {clip.name: clip for clip in clips}
    times_by_name: dict[str, set[float]] = {}
    for name, at_s in moments:
        times_by_name.setdefault(name, set()).add(at_s)
    pictures = {(name, at_s): "" for name, times_s in times_by_name.items() for at_s in times_s}
    for name, times_s in times_by_name.items():
        pictures |= {(name, at_s): jpeg for at_s, jpeg in _pictures(clip_by_name[name], times_s, reader).items()}
    return pictures


def _judged_frames(clip: ClipResult, frames: ClipFrames) -> list[MisjudgedFrame]:
    line = clip.timeline
    if line is None:
        return []
    numbers = np.searchsorted(frames.times_s, np.array(line.times_s) - _SAME_INSTANT_S) + 1
    columns = zip(line.times_s, numbers.tolist(), line.truth, line.service, line.drivers, line.boxes, strict=True)
    return [
        MisjudgedFrame(clip.name, at_s, frame, truth, score, driver, box, "")
        for at_s, frame, truth, score, driver, box in columns
        if driver is not None
    ]


def _pictures(clip: ClipFile, times_s: Iterable[float], reader: RecordingReader) -> dict[float, str]:
    remaining_s, pictures = sorted(times_s), {}
    with reader.open(clip.path) as video:
        for frame in video.frames():
            if not remaining_s:
                break
            if frame.media_time_s >= remaining_s[0] - _SAME_INSTANT_S:
                pictures[remaining_s.pop(0)] = _jpeg(frame.rgb)
    return pictures


def _jpeg(rgb: NDArray[np.uint8]) -> str:
    height, width = rgb.shape[:2]
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return base64.b64encode(jpeg_codec.encode(small, _QUALITY)).decode("ascii")
