"""Alarms with what explains them: streams, regions, and the nearest normal moments."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.evaluation.report.clip_result import RelativeBox


@dataclass(frozen=True)
class NearestMoment:
    """A moment of the training clips that is among the nearest to what a stream saw. ``picture_jpeg``: base64."""

    clip: str
    at_s: float
    distance: float
    box: RelativeBox
    picture_jpeg: str


@dataclass(frozen=True)
class StreamEvidence:
    """One stream's share of the fused value (``contribution``, 0..1), its region, and the nearest normal moments."""

    stream: str
    contribution: float
    box: RelativeBox | None
    nearest: tuple[NearestMoment, ...]


@dataclass(frozen=True)
class AlarmEvidence:
    """An alarm at the setting's budget, explained at its peak by the streams with a share in it, the largest first.

    ``false``: it overlaps no labelled range. ``picture_jpeg``: the frame at the peak, base64.
    """

    clip: str
    opened_s: float
    peak_s: float
    score: float
    false: bool
    streams: tuple[StreamEvidence, ...]
    picture_jpeg: str
