"""Labelled events against the events that a rule opens."""

from __future__ import annotations

import numpy as np
import pytest

from models.alarms.event_detector import Event, EventRule
from models.engine.frame_scorer import FrameScore
from models.frames.frame import Features
from patchwatch.evaluation.clips import ClipFile, ClipFrames
from patchwatch.evaluation.detection import (
    ClipDetections,
    EventMatch,
    LabelledSpan,
    delays,
    detect_events,
    labelled_spans,
    match_events,
)
from patchwatch.evaluation.labels.labels import FrameRange
from patchwatch.evaluation.scoring import ExtractedClip, ExtractedFrame, ScoredClip

RULE = EventRule(on=0.5, off=0.4, min_duration_s=0.4, cooldown_s=1.0)


def _span(starts_s: float, ends_s: float) -> LabelledSpan:
    return LabelledSpan(FrameRange(1, 2), starts_s, ends_s)


def _event(opened_s: float, ended_s: float) -> Event:
    return Event(opened_s - 0.4, opened_s, opened_s, 0.7, "motion", None, ended_s)


def _one(span: LabelledSpan, *events: Event) -> EventMatch:
    (match,) = match_events([span], events).matches
    return match


def test_an_event_within_the_range_detects_it_after_a_delay() -> None:
    detections = match_events([_span(10, 20)], [_event(11.5, 18)])
    assert detections.matches[0].delay_s == pytest.approx(1.5)
    assert not detections.matches[0].opened_early
    assert detections.false_alarms == 0


def test_one_that_stands_when_the_range_begins_detects_it_at_once_and_is_counted_as_early() -> None:
    match = _one(_span(10, 20), _event(8, 10))
    assert match.delay_s == 0.0
    assert match.opened_early


def test_one_that_ended_before_the_range_is_a_false_alarm() -> None:
    detections = match_events([_span(10, 20)], [_event(8, 9.9)])
    assert not detections.matches[0].detected
    assert detections.false_alarms == 1


def test_one_that_opens_after_the_range_is_a_false_alarm_though_it_rose_within() -> None:
    event = _event(20.2, 22)
    assert event.started_s < 20
    detections = match_events([_span(10, 20)], [event])
    assert not detections.matches[0].detected
    assert detections.false_alarms == 1


def test_the_first_event_gives_the_delay_and_one_event_may_detect_two_ranges() -> None:
    assert _one(_span(10, 20), _event(15, 16), _event(12, 13)).delay_s == pytest.approx(2.0)
    detections = match_events([_span(10, 20), _span(25, 30)], [_event(12, 26)])
    assert [match.delay_s for match in detections.matches] == [2.0, 0.0]


def test_an_event_of_one_frame_is_in_the_range_of_one_frame() -> None:
    assert _one(_span(10, 10), _event(10, 10)).delay_s == 0.0


def test_a_clip_without_labels_has_false_alarms_only() -> None:
    assert match_events([], [_event(1, 2), _event(4, 5)]) == ClipDetections(
        (), ((_event(1, 2), True), (_event(4, 5), True))
    )


def test_delays_are_of_the_detected_ones() -> None:
    matches = [EventMatch(_span(0, 1), delay_s) for delay_s in (0.0, 1.0, None, 2.0)]
    assert delays(matches) == pytest.approx((1.0, 1.8))
    assert delays([EventMatch(_span(0, 1), None)]) == (None, None)


def test_labelled_events_are_maximal_ranges_with_their_times() -> None:
    frames = ClipFrames(ClipFile("a", None), np.arange(6) / 10)  # type: ignore[arg-type]
    spans = labelled_spans(np.array([True, True, False, True, False, True]), frames)
    assert spans == (
        LabelledSpan(FrameRange(1, 2), 0.0, 0.1),
        LabelledSpan(FrameRange(4, 4), 0.3, 0.3),
        LabelledSpan(FrameRange(6, 6), 0.5, 0.5),
    )


def _scored(scores: list[float], *, begins: frozenset[int] = frozenset({0})) -> ScoredClip:
    """At 5 frames a second. ``begins``: frames before which the view changes."""
    frames = tuple(ExtractedFrame(n / 5, n in begins, (64, 48), (Features.none(8),)) for n in range(len(scores)))
    readings = tuple(FrameScore(0.0, score, score, (None,), None, None, (None,)) for score in scores)
    return ScoredClip(ExtractedClip("a", frames), readings)


def test_the_camera_s_own_rule_opens_the_events() -> None:
    scores = [*[0.1] * 5, 0.1, 0.6, 0.6, 0.6, 0.45, 0.1, *[0.1] * 6, 0.9, 0.9, 0.9]
    first, second = detect_events(_scored(scores), RULE)
    assert (first.started_s, first.opened_s, first.ended_s) == pytest.approx((1.2, 1.6, 1.8))
    assert (second.opened_s, second.ended_s, second.peak_score) == pytest.approx((3.8, 3.8, 0.9))


def test_nothing_opens_within_the_first_second_of_a_view() -> None:
    high = [0.9] * 15
    (at_the_start,) = detect_events(_scored(high), RULE)
    (after_a_cut,) = detect_events(_scored([0.1] * 10 + high, begins=frozenset({0, 10})), RULE)
    assert (at_the_start.opened_s, after_a_cut.opened_s) == pytest.approx((1.4, 3.4))
