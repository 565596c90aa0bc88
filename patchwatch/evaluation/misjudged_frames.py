"""The frames that a profile judges worst, as pictures for people."""

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
_SAME_INSTANT_S = 1e-4  # timelines are rounded


def worst(clips: Sequence[ClipResult], frames: Sequence[ClipFrames], *, anomalous: bool) -> list[MisjudgedFrame]:
    """Without pictures, worst first: of the anomalous frames those with the lowest service scores, or of the normal
    ones those with the highest. At most six, two a clip and two seconds apart within one. Frames that no stream had
    anything to say of, as a clip's first, are left out here: they show nothing."""
    parts = zip(clips, frames, strict=True)
    found = [moment for clip, own in parts for moment in _moments(clip, own) if moment.anomalous == anomalous]
    found.sort(key=lambda moment: moment.score if anomalous else -moment.score)
    chosen: list[MisjudgedFrame] = []
    for moment in found:
        near = [one for one in chosen if one.clip == moment.clip]
        if len(near) < _PER_CLIP and all(abs(one.at_s - moment.at_s) >= _APART_S for one in near):
            chosen.append(moment)
        if len(chosen) == COUNT:
            break
    return chosen


def with_pictures(
    moments: Sequence[MisjudgedFrame], clips: Sequence[ClipFile], reader: RecordingReader
) -> tuple[MisjudgedFrame, ...]:
    """The same moments with their pictures, small, read from the clips again."""
    pictures = pictures_at([(moment.clip, moment.at_s) for moment in moments], clips, reader)
    return tuple(replace(moment, picture_jpeg=pictures[moment.clip, moment.at_s]) for moment in moments)


def pictures_at(
    wanted: Iterable[tuple[str, float]], clips: Sequence[ClipFile], reader: RecordingReader
) -> dict[tuple[str, float], str]:
    """Small JPEGs, base64, of moments (name of the clip, seconds) of these clips; each clip is read once."""
    by_name = {clip.name: clip for clip in clips}
    times: dict[str, set[float]] = {}
    for name, at_s in wanted:
        times.setdefault(name, set()).add(at_s)
    found = dict.fromkeys(((name, at_s) for name, of in times.items() for at_s in of), "")
    for name, of in times.items():
        found |= {(name, at_s): jpeg for at_s, jpeg in _pictures(by_name[name], of, reader).items()}
    return found


def _moments(clip: ClipResult, frames: ClipFrames) -> list[MisjudgedFrame]:
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
    left, found = sorted(times_s), {}
    with reader.open(clip.path) as video:
        for frame in video.frames():
            if not left:
                break
            if frame.media_time_s >= left[0] - _SAME_INSTANT_S:
                found[left.pop(0)] = _jpeg(frame.rgb)
    return found


def _jpeg(rgb: NDArray[np.uint8]) -> str:
    height, width = rgb.shape[:2]
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return base64.b64encode(jpeg_codec.encode(small, _QUALITY)).decode("ascii")
