"""Scores of every frame as the CSV that frame-level competitions ask for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TextIO

from patchwatch.evaluation.clips import ClipFrames
from patchwatch.evaluation.protocols import FrameScores
from patchwatch.evaluation.statistics.metrics import Scores


class ScoredBy(StrEnum):
    """The protocol whose scores are written. ``paper`` looks into the future and at all testing clips."""

    SERVICE = "service"
    UNSMOOTHED = "unsmoothed"
    PAPER = "paper"


def write_predictions(
    clips: Sequence[ClipFrames], scores: Sequence[FrameScores], stream: TextIO, scored_by: ScoredBy = ScoredBy.SERVICE
) -> None:
    """``Id,Predicted``: one line per frame of each clip. Raises `RejectedError` where pictures have no numbers."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["Id", "Predicted"])
    for clip, clip_scores in zip(clips, scores, strict=True):
        values: Scores = getattr(clip_scores, scored_by.value)
        table.writerows(zip(frame_ids(clip), values.tolist(), strict=True))


def frame_ids(clip: ClipFrames) -> Iterator[str]:
    """``<clip>_<frame>`` per frame, numbers without leading zeros: ``1_939`` for ``01/frame_00939.jpg``."""
    name = clip.clip.name
    name = str(int(name)) if name.isdecimal() else name
    return (f"{name}_{number}" for number in clip.numbers)
