"""The clips of a folder: video files, and folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from workers.analysis.recordings import RecordingReader
from workers.media.frame_folder import FrameFolder, natural, pictures_in
from workers.media.video import Video

SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"}
MASKS = "_gt"  # UCSD keeps the pixel masks of a testing clip beside it, in a folder of pictures with this ending.
_EVERY_FRAME_FPS = 1e6  # Faster than any camera, so that no frame is left out.


@dataclass(frozen=True)
class ClipFile:
    """A clip on disk. ``name`` is the one that labels use: that of the file without its ending."""

    name: str
    path: Path

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir()


def find_clips(folder: Path) -> list[ClipFile]:
    """Clips of a folder in natural order. Raises `RejectedError` if it is missing, is empty or has two of one name."""
    if not folder.is_dir():
        raise RejectedError(f"{folder} is not a folder: name one that holds clips")
    clips = [clip for path in folder.iterdir() if not path.name.startswith(".") and (clip := _clip(path))]
    if not clips:
        looked_for = " ".join(sorted(SUFFIXES))
        raise RejectedError(f"{folder} holds no video file (looked for {looked_for}) and no folder of pictures")
    return _each_once(clips, str(folder))


def gather_clips(places: Sequence[Path], *, with_folder: bool = False) -> list[ClipFile]:
    """Clips of several places in natural order, each a folder of clips or one clip. Raises as `find_clips`.

    ``with_folder``: clips of one name in different folders are told apart by these, as labels cannot.
    """
    clips = [found for place in places for found in _clips_at(place)]
    names = [clip.name for clip in clips]
    if with_folder:
        clips = [
            replace(clip, name=f"{clip.path.parent.name}/{clip.name}") if names.count(clip.name) > 1 else clip
            for clip in clips
        ]
    return _each_once(clips, ", ".join(str(place) for place in places))


def _clips_at(place: Path) -> list[ClipFile]:
    clip = _clip(place)
    if clip is None and place.is_file():
        raise RejectedError(f"{place} is no video file (looked for {' '.join(sorted(SUFFIXES))})")
    return find_clips(place) if clip is None else [clip]


def _each_once(clips: Sequence[ClipFile], where: str) -> list[ClipFile]:
    names = [clip.name for clip in clips]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise RejectedError(f"{where} holds two each of the clips {', '.join(twice)}: keep one of each")
    return sorted(clips, key=lambda clip: natural(clip.name))


def _clip(path: Path) -> ClipFile | None:
    if path.is_dir():
        return ClipFile(path.name, path) if not path.name.endswith(MASKS) and pictures_in(path) else None
    return ClipFile(path.stem, path) if path.suffix.lower() in SUFFIXES and path.is_file() else None


@dataclass(frozen=True)
class ClipFrames:
    """Every frame of a clip: its time on the same clock as the analysed frames, and its number for people.

    ``numbers``: those in the names of pictures, and from 1 in videos.
    """

    clip: ClipFile
    times_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times_s)

    @cached_property
    def numbers(self) -> list[int]:
        if self.clip.is_folder:
            return FrameFolder(self.clip.path).numbers
        return list(range(1, len(self) + 1))

    @property
    def interval_s(self) -> float:
        """The median time between two frames."""
        return float(np.median(np.diff(self.times_s))) if len(self) > 1 else 0.0

    @property
    def duration_s(self) -> float:
        return len(self) * self.interval_s


def read_frames(clip: ClipFile, reader: RecordingReader) -> ClipFrames:
    """Raises the source errors."""
    if clip.is_folder:
        return ClipFrames(clip, FrameFolder(clip.path, frame_rate=reader.frame_rate).times_s)
    options = replace(reader.video, analysis_fps=_EVERY_FRAME_FPS)
    with Video.open(clip.path, options=options) as video:
        return ClipFrames(clip, np.array([frame.media_time_s for frame in video.frames()]))
