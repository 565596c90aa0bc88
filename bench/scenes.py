"""The footage of fixed cameras that detectors of the whole picture are measured on: scenes and their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from models.frames.frame import Frame
from patchwatch.contract.settings import load_settings
from workers.analysis.recordings import RecordingReader

FOLDERS = ("ucsd_ped2", "caviar", "upfall", "pets", "traffic_road", "roomfall", "webcam")
CLIPS = ("one-by-one-person-detection.mp4", "car-detection.mp4", "motorway-cyclist.avi")
TIME_LAPSE = "webcam"  # pictures minutes apart
FPS = 5.0


def scenes(data: Path) -> dict[str, list[Path]]:
    """Each scene's files, training first. Scenes that are not there are left out."""
    result = {name: sorted((data / name).rglob("*.mkv"), key=_training_first) for name in FOLDERS}
    result |= {Path(name).stem: [data / "clips" / name] for name in CLIPS if (data / "clips" / name).exists()}
    return {name: files for name, files in result.items() if files}


def frames_of(path: Path) -> Iterator[Frame]:
    """A file's frames as they are analysed, without the cuts."""
    with RecordingReader.from_settings(load_settings(), FPS).open(path) as video:
        for batch in RecordingReader.from_settings(load_settings(), FPS).batches(video):
            yield from (
                replace(frame, discontinuity=frame.discontinuity and not frame.cut, cut=False) for _, frame in batch
            )


def joined(parts: list[list[Frame]], interval_s: float | None = None) -> Iterator[Frame]:
    """The parts one after the other, as if from one recording: nothing says where one ends.

    ``interval_s`` between all pictures, else their own and that of a part's last two at a join.
    """
    at_s = 0.0
    for number, part in zip(count(), parts, strict=False):
        for n, frame in enumerate(part):
            yield replace(frame, at_s=at_s, discontinuity=number == n == 0, cut=False)
            following = part[min(n + 1, len(part) - 1)].at_s - part[max(0, min(n, len(part) - 2))].at_s
            at_s = round(at_s + (interval_s or following or 1 / FPS), 6)


def _training_first(path: Path) -> tuple[bool, str]:
    return "training" not in path.parts, str(path)
