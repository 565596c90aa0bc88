"""The three ways to score every frame of the testing clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.profiles.profile import Fusion
from patchwatch.evaluation.clips import ClipFrames
from patchwatch.evaluation.report.protocol import Protocol, Protocols
from patchwatch.evaluation.scoring import ScoredClip
from patchwatch.evaluation.statistics.bootstrap import ClipBootstrap
from patchwatch.evaluation.statistics.metrics import (
    Scores,
    Truth,
    average_precision,
    macro_auroc,
    micro_auroc,
    roc_points,
)
from patchwatch.evaluation.statistics.smoothing import normalise_over_set, smooth_two_sided

_SAME_INSTANT_S = 1e-6
_DIGITS = 4  # Points of a curve are rounded to this.


@dataclass(frozen=True)
class FrameScores:
    """One value in 0..1 for each frame of a clip, by protocol. ``paper`` looks into the future and at the other
    clips."""

    service: Scores
    unsmoothed: Scores
    paper: Scores


def frame_scores(fusion: Fusion, scored: Sequence[ScoredClip], frames: Sequence[ClipFrames]) -> tuple[FrameScores, ...]:
    """One per clip. A frame that is not analysed has the last live score before it, and in ``paper`` the value of the
    kernel at its time."""
    pairs = list(zip(scored, frames, strict=True))
    smoothed = [smooth_two_sided(clip_frames.times_s, *clip.raw(fusion)) for clip, clip_frames in pairs]
    papers = normalise_over_set(smoothed)
    return tuple(
        FrameScores(
            service=hold_last(clip_frames.times_s, clip.at_s, clip.service),
            unsmoothed=hold_last(clip_frames.times_s, clip.at_s, clip.unsmoothed),
            paper=paper,
        )
        for (clip, clip_frames), paper in zip(pairs, papers, strict=True)
    )


def hold_last(times_s: NDArray[np.float64], analysed_s: NDArray[np.float64], values: Scores) -> Scores:
    """Value of the last analysed frame at or before each time. Both lists of times rise."""
    last = np.searchsorted(analysed_s, times_s + _SAME_INSTANT_S, side="right") - 1
    if len(last) and last[0] < 0:
        raise ValueError("the first frame is earlier than the first analysed one")
    return values[last]


def analysed_positions(times_s: NDArray[np.float64], analysed_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions of the analysed frames among all frames of a clip, counted from 0."""
    positions = np.searchsorted(times_s, analysed_s - _SAME_INSTANT_S)
    return np.asarray(np.minimum(positions, len(times_s) - 1), np.int64)


def measure_protocols(clips: Sequence[FrameScores], truths: Sequence[Truth]) -> Protocols:
    """How well each protocol ranks the frames."""
    paper = _judge([clip.paper for clip in clips], truths)
    return Protocols(
        service=_judge([clip.service for clip in clips], truths),
        unsmoothed=_judge([clip.unsmoothed for clip in clips], truths),
        paper=replace(paper, looks_into_the_future=True, normalised_over_testing_clips=True),
    )


def _judge(clips: Sequence[Scores], truths: Sequence[Truth]) -> Protocol:
    bootstrap = ClipBootstrap(clips, truths)
    scores, truth = np.concatenate(clips), np.concatenate(truths)
    return Protocol(
        micro_auroc=micro_auroc(clips, truths),
        macro_auroc=macro_auroc(clips, truths),
        micro_auroc_95=bootstrap.micro(),
        macro_auroc_95=bootstrap.macro(),
        aupr=average_precision(scores, truth),
        roc=tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in roc_points(scores, truth)),
    )
