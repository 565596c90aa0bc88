"""The highest alarms of the testing clips, explained with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.engine.frame_explanation import ExplainedStream, NearestExemplar, explain
from patchwatch.evaluation.clips import ClipFile
from patchwatch.evaluation.detection import ClipDetections
from patchwatch.evaluation.misjudged_frames import pictures_at
from patchwatch.evaluation.report.evidence import AlarmEvidence, NearestMoment, StreamEvidence
from patchwatch.evaluation.scoring import ScoredClip, relative_box
from workers.analysis.recordings import RecordingReader

COUNT = 12
_STREAMS_PER_ALARM = 2
_LEAST_SHARE = 0.05  # A stream with a smaller share of the fused value is not shown.


def explain_alarms(
    bank: Bank, clips: Sequence[ScoredClip], detections: Sequence[ClipDetections]
) -> tuple[AlarmEvidence, ...]:
    """At most twelve alarms, those with the highest peaks, in order of clip and time, without pictures.

    ``detections``: those of each clip, all at one budget.
    """
    alarms = [
        (clip, event, false)
        for clip, clip_detections in zip(clips, detections, strict=True)
        for event, false in clip_detections.alarms
    ]
    highest = sorted(alarms, key=lambda alarm: -alarm[1].peak_score)[:COUNT]
    return tuple(_evidence(bank, *alarm) for alarm in alarms if alarm in highest)


def add_pictures(
    alarms: Sequence[AlarmEvidence], training: Sequence[ClipFile], testing: Sequence[ClipFile], reader: RecordingReader
) -> tuple[AlarmEvidence, ...]:
    """The same alarms with pictures of their peaks and of the nearest normal moments, read from the clips again."""
    peaks = pictures_at([(alarm.clip, alarm.peak_s) for alarm in alarms], testing, reader)
    moments = [moment for alarm in alarms for stream in alarm.streams for moment in stream.nearest]
    normal = pictures_at([(moment.clip, moment.at_s) for moment in moments], training, reader)
    return tuple(
        replace(
            alarm,
            picture_jpeg=peaks[alarm.clip, alarm.peak_s],
            streams=tuple(_with_pictures(stream, normal) for stream in alarm.streams),
        )
        for alarm in alarms
    )


def _evidence(bank: Bank, clip: ScoredClip, event: Event, false: bool) -> AlarmEvidence:
    position = int(np.abs(clip.at_s - event.peak_s).argmin())
    frame = clip.clip.frames[position]
    explanations = explain(bank, frame.features, clip.readings[position])
    shown = [explanation for explanation in explanations if explanation.contribution >= _LEAST_SHARE]
    shown.sort(key=lambda explanation: -explanation.contribution)
    streams = tuple(_stream(explanation, frame.size) for explanation in shown[:_STREAMS_PER_ALARM])
    return AlarmEvidence(clip.clip.name, event.opened_s, frame.at_s, event.peak_score, false, streams, "")


def _stream(explanation: ExplainedStream, size: tuple[int, int]) -> StreamEvidence:
    box = None if explanation.box_xyxy_px is None else relative_box(explanation.box_xyxy_px, size)
    nearest = tuple(_nearest(normal) for normal in explanation.nearest)
    return StreamEvidence(explanation.name, explanation.contribution, box, nearest)


def _nearest(normal: NearestExemplar) -> NearestMoment:
    return NearestMoment(normal.source, normal.moment.time_s, normal.distance, normal.box, "")


def _with_pictures(stream: StreamEvidence, pictures: dict[tuple[str, float], str]) -> StreamEvidence:
    nearest = (replace(moment, picture_jpeg=pictures[moment.clip, moment.at_s]) for moment in stream.nearest)
    return replace(stream, nearest=tuple(nearest))
