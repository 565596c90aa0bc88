"""What explains the alarms of the testing clips, with pictures for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.engine.frame_scorer import ExplainedStream, NearestExemplar, explain
from patchwatch.evaluation.clips import ClipFile
from patchwatch.evaluation.detection import Outcome
from patchwatch.evaluation.moments import pictures_at
from patchwatch.evaluation.report import Evidence, Nearest, StreamEvidence
from patchwatch.evaluation.scoring import ScoredClip, relative
from workers.analysis.recordings import RecordingReader

COUNT = 12
_STREAMS = 2  # shown of each alarm
_LEAST_SHARE = 0.05  # of the fused value, for a stream to be shown


def evidence(bank: Bank, clips: Sequence[ScoredClip], outcomes: Sequence[Outcome]) -> tuple[Evidence, ...]:
    """Without pictures: the alarms with the highest peaks, at most twelve, in order of clip and time. ``outcomes``: of
    each clip at one budget."""
    alarms = [(clip, event, false) for clip, one in zip(clips, outcomes, strict=True) for event, false in one.alarms]
    highest = sorted(alarms, key=lambda alarm: -alarm[1].peak_score)[:COUNT]
    return tuple(_evidence(bank, *alarm) for alarm in alarms if alarm in highest)


def with_pictures(
    found: Sequence[Evidence], training: Sequence[ClipFile], testing: Sequence[ClipFile], reader: RecordingReader
) -> tuple[Evidence, ...]:
    """The same with the pictures of the peaks and of the nearest normal moments, read from the clips again."""
    peaks = pictures_at([(one.clip, one.peak_s) for one in found], testing, reader)
    normal = pictures_at(
        [(near.clip, near.at_s) for one in found for stream in one.streams for near in stream.nearest], training, reader
    )
    return tuple(
        replace(
            one, picture_jpeg=peaks[one.clip, one.peak_s], streams=tuple(_shown(part, normal) for part in one.streams)
        )
        for one in found
    )


def _evidence(bank: Bank, clip: ScoredClip, event: Event, false: bool) -> Evidence:
    number = int(np.abs(clip.at_s - event.peak_s).argmin())
    frame = clip.clip.frames[number]
    parts = explain(bank, frame.features, clip.readings[number])
    leading = sorted((part for part in parts if part.contribution >= _LEAST_SHARE), key=lambda part: -part.contribution)
    streams = tuple(_stream(part, frame.size) for part in leading[:_STREAMS])
    return Evidence(clip.clip.name, event.opened_s, frame.at_s, event.peak_score, false, streams, "")


def _stream(part: ExplainedStream, size: tuple[int, int]) -> StreamEvidence:
    box = None if part.box_xyxy_px is None else relative(part.box_xyxy_px, size)
    return StreamEvidence(part.name, part.contribution, box, tuple(_nearest(near) for near in part.nearest))


def _nearest(near: NearestExemplar) -> Nearest:
    return Nearest(near.source, near.moment.time_s, near.distance, near.box, "")


def _shown(stream: StreamEvidence, pictures: dict[tuple[str, float], str]) -> StreamEvidence:
    nearest = (replace(near, picture_jpeg=pictures[near.clip, near.at_s]) for near in stream.nearest)
    return replace(stream, nearest=tuple(nearest))
