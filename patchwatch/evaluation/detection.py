"""Labelled events matched with the events that the camera's rule opens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.alarms.event_detector import (
    OPENS_AFTER_S,
    TOLERANCE_S,
    AlertGate,
    Event,
    EventDetector,
    EventRule,
    begins_anew,
)
from patchwatch.evaluation.clips import ClipFrames
from patchwatch.evaluation.labels.labels import FrameRange, ranges_of
from patchwatch.evaluation.scoring import ScoredClip
from patchwatch.evaluation.statistics.metrics import Truth


@dataclass(frozen=True)
class LabelledSpan:
    """A labelled event: a maximal range of anomalous frames, and the times of its first and last frame."""

    frames: FrameRange
    starts_s: float
    ends_s: float


@dataclass(frozen=True)
class EventMatch:
    """Whether a rule detected one labelled event. ``delay_s`` is None when it was missed.

    ``opened_early``: the event that detects it was open before the range began.
    """

    span: LabelledSpan
    delay_s: float | None
    opened_early: bool = False

    @property
    def detected(self) -> bool:
        return self.delay_s is not None


@dataclass(frozen=True)
class ClipDetections:
    """One clip under one rule: every labelled event, and every event that opened, with whether it is a false alarm."""

    matches: tuple[EventMatch, ...]
    alarms: tuple[tuple[Event, bool], ...]

    @property
    def false_alarms(self) -> int:
        return sum(false for _, false in self.alarms)


def labelled_spans(truth: Truth, frames: ClipFrames) -> tuple[LabelledSpan, ...]:
    """The labelled events of a clip."""
    return tuple(
        LabelledSpan(frame_range, _time_s(frames, frame_range.first), _time_s(frames, frame_range.last))
        for frame_range in ranges_of(truth)
    )


def _time_s(frames: ClipFrames, number: int) -> float:
    """Time of the clip's frame of this number, from 1."""
    return float(frames.times_s[number - 1])


def detect_events(clip: ScoredClip, rule: EventRule) -> tuple[Event, ...]:
    """Every event the rule opens on a clip, as it was when it closed or the clip ended. As live, none opens where a
    view has just begun."""
    detector, closed, opens_s = EventDetector(rule), list[Event](), -math.inf
    last_s, step_s = clip.clip.frames[0].at_s, 0.0
    for frame, reading in zip(clip.clip.frames, clip.readings, strict=True):
        before_s, step_s, last_s = step_s, frame.at_s - last_s, frame.at_s
        if frame.discontinuity or frame is clip.clip.frames[0] or begins_anew(step_s, before_s):
            opens_s = frame.at_s + OPENS_AFTER_S
        gate = AlertGate.HOLD if frame.at_s < opens_s - TOLERANCE_S else AlertGate.OPEN
        changes = detector.update(frame.at_s, reading.score, reading.driver, reading.box_xyxy_px, gate)
        closed += [event for event in changes if event.ended_s is not None]
    return (*closed, *detector.finish())


def match_events(spans: Sequence[LabelledSpan], events: Sequence[Event]) -> ClipDetections:
    """Match the events that a rule opened with the labelled ones.

    An event counts from its opening, when an operator is notified, to the last frame at or above ``off``. It detects
    every labelled event that this time overlaps. One that overlaps none is a false alarm, even if its score began to
    rise within a range and it opened after the end. The delay is from the range's first frame to the opening of the
    first event that detects it: 0 for one that was open before and is still open when the range begins, which
    is counted apart. One that opened and fell below ``off`` before the range detects nothing and is a false alarm.
    """
    return ClipDetections(
        tuple(_match(span, events) for span in spans),
        tuple((event, not any(_overlaps(event, span) for span in spans)) for event in events),
    )


def _match(span: LabelledSpan, events: Sequence[Event]) -> EventMatch:
    opened_s = [event.opened_s for event in events if _overlaps(event, span)]
    if not opened_s:
        return EventMatch(span, None)
    first_s = min(opened_s)
    return EventMatch(span, max(0.0, first_s - span.starts_s), first_s < span.starts_s)


def _overlaps(event: Event, span: LabelledSpan) -> bool:
    ended_s = event.opened_s if event.ended_s is None else max(event.opened_s, event.ended_s)
    return event.opened_s <= span.ends_s and ended_s >= span.starts_s


def delays(matches: Sequence[EventMatch]) -> tuple[float | None, float | None]:
    """Median and 90th percentile of the delays of the detected ones, in seconds; None without any."""
    delays_s = [match.delay_s for match in matches if match.delay_s is not None]
    if not delays_s:
        return None, None
    median_s, p90_s = np.percentile(delays_s, [50, 90])
    return float(median_s), float(p90_s)
