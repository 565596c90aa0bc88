"""The results of one testing clip for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patchwatch.evaluation.budgets import AlarmBudget
from patchwatch.evaluation.clips import ClipFrames
from patchwatch.evaluation.detection import ClipDetections, LabelledSpan
from patchwatch.evaluation.protocols import FrameScores, analysed_positions
from patchwatch.evaluation.report.clip_result import Alarm, ClipResult, Detection, LabelledEvent, Timeline
from patchwatch.evaluation.scoring import ScoredClip
from patchwatch.evaluation.statistics.metrics import Truth, auroc

_DIGITS = 4


def clip_result(
    frames: ClipFrames,
    truth: Truth,
    clip: ScoredClip,
    scores: FrameScores,
    streams: Sequence[str],
    detections_by_budget: Sequence[tuple[AlarmBudget, ClipDetections]],
) -> ClipResult:
    """``streams``: names of the profile's streams, in order. ``detections_by_budget``: of the clip at each budget."""
    return ClipResult(
        name=frames.clip.name,
        frames=len(truth),
        anomalous=int(truth.sum()),
        analysed=len(clip.readings),
        service=auroc(scores.service, truth),
        unsmoothed=auroc(scores.unsmoothed, truth),
        paper=auroc(scores.paper, truth),
        events=_events(detections_by_budget),
        alarms=tuple(alarm for budget, detections in detections_by_budget for alarm in _alarms(budget, detections)),
        timeline=_timeline(frames, truth, clip, scores, streams),
    )


def _events(detections_by_budget: Sequence[tuple[AlarmBudget, ClipDetections]]) -> tuple[LabelledEvent, ...]:
    by_span: dict[LabelledSpan, list[Detection]] = {}
    for budget, detections in detections_by_budget:
        for match in detections.matches:
            detection = Detection(budget.name, match.detected, match.delay_s)
            by_span.setdefault(match.span, []).append(detection)
    return tuple(
        LabelledEvent(span.frames.first, span.frames.last, span.starts_s, span.ends_s, tuple(detections))
        for span, detections in by_span.items()
    )


def _alarms(budget: AlarmBudget, detections: ClipDetections) -> Iterable[Alarm]:
    for event, false in detections.alarms:
        ended_s = event.opened_s if event.ended_s is None else max(event.opened_s, event.ended_s)
        yield Alarm(budget.name, event.opened_s, ended_s, event.peak_s, event.peak_score, event.stream, false)


def _timeline(
    frames: ClipFrames, truth: Truth, clip: ScoredClip, scores: FrameScores, streams: Sequence[str]
) -> Timeline:
    positions = analysed_positions(frames.times_s, clip.at_s)
    columns = zip(*(reading.rarities for reading in clip.readings), strict=True)
    return Timeline(
        times_s=_rounded(clip.at_s.tolist()),
        truth=tuple(truth[positions].tolist()),
        service=_rounded(clip.service.tolist()),
        unsmoothed=_rounded(clip.unsmoothed.tolist()),
        paper=_rounded(scores.paper[positions].tolist()),
        rarities={
            name: tuple(None if value is None else round(value, _DIGITS) for value in column)
            for name, column in zip(streams, columns, strict=True)
        },
        drivers=tuple(reading.driver for reading in clip.readings),
        boxes=tuple(clip.boxes),
    )


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(value, _DIGITS) for value in values)
