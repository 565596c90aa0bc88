"""Learn from a folder of normal clips, score a folder of labelled ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bank import Bank
from models.engine import Engine
from patchwatch.errors import RejectedError
from workers.evaluation.labels import Labels
from workers.evaluation.metrics import Scores, Truth, auroc, macro_auroc, micro_auroc
from workers.evaluation.report import ClipReport, Protocol, Report
from workers.ingest.video import Video
from workers.offline import Reader, learn, recorded_clips, score

SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"}
_TRAINING_SHARE = 0.7  # of the time, for the progress bar
_EVERY_FRAME_FPS = 1e6  # faster than any camera: nothing is left out
_SAME_INSTANT_S = 1e-6

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class _Scored:
    """One testing clip, a value for each of its own frames."""

    name: str
    analysed: int
    service: Scores
    unsmoothed: Scores
    truth: Truth


def clips_in(folder: Path) -> list[Path]:
    """Video files of a folder by name. Raises `RejectedError` when it is missing, holds none or two of one name."""
    if not folder.is_dir():
        raise RejectedError(f"{folder} is not a folder: name one that holds video files")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise RejectedError(f"{folder} holds no video file (looked for {' '.join(sorted(SUFFIXES))})")
    names = [path.stem for path in found]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise RejectedError(f"{folder} holds two files each of the clips {', '.join(twice)}: keep one of each")
    return found


def check_labelled(clips: Sequence[Path], labels: Labels) -> None:
    """Raises `RejectedError` unless the clips are exactly those that the labels name."""
    there, labelled = {path.stem for path in clips}, set(labels.clips)
    if missing := sorted(labelled - there):
        raise RejectedError(f"{labels.path} labels clips that are not in {clips[0].parent}: {', '.join(missing)}")
    if extra := sorted(there - labelled):
        raise RejectedError(
            f"{labels.path} says nothing of {len(extra)} of the {len(there)} testing clips: {', '.join(extra)}; "
            "a clip without anomalies needs an empty list"
        )


def evaluate(
    engine: Engine,
    reader: Reader,
    *,
    train: Path,
    test: Path,
    labels: Labels,
    progress: Progress = lambda done, what: None,
) -> Report:
    """Learn one bank from the clips in ``train``, score each clip in ``test`` from a fresh state, compare with labels.

    Nothing of the testing clips is used but their pictures. Every frame of a testing clip counts: one that is not
    analysed has the last score before it. Raises `RejectedError` for folders and labels that do not fit, and what
    learning and reading raise.
    """
    normal, clips = clips_in(train), clips_in(test)
    check_labelled(clips, labels)
    truths = [labels.truth(path.stem, len(frame_times(path, reader))) for path in clips]
    bank = learn(
        engine,
        recorded_clips(normal, reader),
        count=len(normal),
        progress=lambda done, what: progress(_TRAINING_SHARE * done, what),
    )
    scored = []
    for number, (path, truth) in enumerate(zip(clips, truths, strict=True)):
        progress(_TRAINING_SHARE + (1 - _TRAINING_SHARE) * number / len(clips), f"scoring {path.name}")
        scored.append(_score_clip(engine, bank, reader, path, truth))
    progress(1.0, "")
    return _report(engine, bank, reader, len(normal), scored)


def frame_times(path: Path, reader: Reader) -> NDArray[np.float64]:
    """Media time of every frame of a recording, on the clock that its analysed frames have."""
    options = replace(reader.video, analysis_fps=_EVERY_FRAME_FPS)
    with Video.open(path, options=options) as video:
        return np.array([frame.media_time_s for frame in video.frames()])


def held(times_s: NDArray[np.float64], analysed_s: NDArray[np.float64], values: Scores) -> Scores:
    """Value of the last analysed frame at or before each time; both lists of times rise."""
    last = np.searchsorted(analysed_s, times_s + _SAME_INSTANT_S, side="right") - 1
    if len(last) and last[0] < 0:
        raise ValueError("a frame stands before the first analysed one")
    return values[last]


def _score_clip(engine: Engine, bank: Bank, reader: Reader, path: Path, truth: Truth) -> _Scored:
    rows = list(score(engine, bank, path, reader))
    at_s = np.array([row.media_time_s for row in rows])
    times_s = frame_times(path, reader)
    service = held(times_s, at_s, np.array([row.reading.score for row in rows]))
    unsmoothed = held(times_s, at_s, np.array([row.reading.unsmoothed for row in rows]))
    return _Scored(path.stem, len(rows), service, unsmoothed, truth)


def _report(engine: Engine, bank: Bank, reader: Reader, training_clips: int, scored: Sequence[_Scored]) -> Report:
    truths = [clip.truth for clip in scored]
    service, unsmoothed = [clip.service for clip in scored], [clip.unsmoothed for clip in scored]
    return Report(
        profile=engine.profile.name,
        fps=reader.video.analysis_fps,
        random_weights=bank.random_weights,
        training_clips=training_clips,
        training_frames=bank.footage.frames,
        threshold_on=bank.rule.on,
        service=Protocol(micro_auroc(service, truths), macro_auroc(service, truths)),
        unsmoothed=Protocol(micro_auroc(unsmoothed, truths), macro_auroc(unsmoothed, truths)),
        clips=tuple(
            ClipReport(
                clip.name, len(clip.truth), int(clip.truth.sum()), clip.analysed,
                auroc(clip.service, clip.truth), auroc(clip.unsmoothed, clip.truth),
            )
            for clip in scored
        ),
    )  # fmt: skip
