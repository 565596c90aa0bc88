"""The recording of one camera's normal: its frames become stretches, and those worth it are given to the writer."""

from __future__ import annotations

import math
import time
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.alarms.alarm_threshold import OFF_OF_ON
from models.alarms.event_detector import EventRule
from models.engine.engine import Engine
from models.frames.frame import Features
from models.frames.view import View
from models.memory.spans import SpanMs, overlaps
from models.memory.stretches.stretch import NOT_EXCLUDED, STRETCH_S, Exclusion, Stretch
from models.memory.stretches.stretch_collector import PicturedFrame, StretchCollector
from models.memory.stretches.stretch_identity import stretch_identity
from workers.inference.recording.keep_rule import KeepRule
from workers.inference.recording.memory_writer import MemoryWriter

AROUND_ALERT_S = 5.0  # before its event, and after it: what led there is no part of normal
FIRST_STRETCH_S = 10.0  # in the first minutes, so that what is learnt first need not wait
_FIRST_MINUTES_S = 120.0
_SAVED_AFTER_S = 15.0  # of a long stretch: so much of it survives a killed process
_LEAST_S = 1.0
_SILENT_S = AROUND_ALERT_S + 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a frame was judged live. ``score``: its score, NaN where there is no bank. ``level``: the score at which
    events open. ``event_since_s``: since when, on the camera's own time, the open event lasts; None without one.
    ``condition_since_s``: since when the picture as a whole is wrong; None while it is not. ``bare_score``: what the
    score would be without additions to the bank; None where there are none."""

    score: float = math.nan
    level: float = math.inf
    event_since_s: float | None = None
    condition_since_s: float | None = None
    bare_score: float | None = None


class CameraRecording:
    """Of one camera, engine and view. A finished stretch is held back as long as an alert may still exclude its end."""

    def __init__(
        self, camera_id: str, engine: Engine, view: View, folder: Path, writer: MemoryWriter, budget_mb: float
    ) -> None:
        self.engine = engine
        self.view = view
        self.folder = folder
        self._writer = writer
        self._rule = KeepRule(budget_mb)
        self._identity = stretch_identity(engine.profile, engine.identity, view)
        self._kinds = [spec.kind for spec in engine.profile.streams]
        self._share = 0.5 + zlib.crc32(camera_id.encode()) % 1000 / 2000  # cameras that begin together end apart
        self._finished: deque[StretchCollector] = deque()
        self._run = 0
        self._eventful = self._wrong = False
        self._excluded_until_s = self._added_until_s = -math.inf
        self._taken_s = time.monotonic()
        self._unsaved, self._saved = True, False
        self._open = self._new_stretch(self._share)

    def add(self, frame: PicturedFrame, captured_ms: int, features: Sequence[Features], verdict: Verdict) -> None:
        """Take the camera's next frame. ``captured_ms``: Unix time."""
        self._taken_s = time.monotonic()
        self._run += frame.discontinuity
        if not self._open.fits(frame):
            self._finish_open()
        excluded = self._judge(frame.at_s, verdict)
        self._open.add(frame, captured_ms, self._run, features, score=verdict.score, excluded=excluded)
        if self._unsaved and frame.at_s - self._open.started_s >= _SAVED_AFTER_S:
            self._save_beginning()
        while self._finished and not 0.0 <= frame.at_s - self._finished[0].ended_s <= AROUND_ALERT_S:
            self._hand_over(self._finished.popleft())

    def _save_beginning(self) -> None:
        """Once a stretch. Without its end, which an alert may exclude yet. Only what is to be kept in any case."""
        self._unsaved = False
        if self._rule.keeps_beginning(self._open, self._writer.remembered(self.folder)):
            beginning = self._open.finish().until(self._open.ended_s - AROUND_ALERT_S)
            if beginning is not None:
                self._saved = True
                self._writer.store_beginning(self.folder, beginning)

    def held(self, spans: Sequence[SpanMs]) -> tuple[Stretch, ...]:
        """As they are now, the stretches with frames within the spans that may not be whole on disk yet."""
        unwritten = [
            stretch
            for stretch in self._writer.unwritten(self.folder)
            if _is_within(stretch.started_ms, stretch.seconds, spans)
        ]
        collected = [
            stretch.finish()
            for stretch in (*self._finished, self._open)
            if len(stretch) and _is_within(stretch.started_ms, stretch.ended_s - stretch.started_s, spans)
        ]
        return (*unwritten, *collected)

    def interrupt(self) -> None:
        """The next frame begins a run."""
        self._run += 1

    def _judge(self, at_s: float, verdict: Verdict) -> Exclusion:
        event_since_s = verdict.event_since_s
        if event_since_s is not None and not self._eventful:
            self._exclude(event_since_s - AROUND_ALERT_S, Exclusion.ALERT)
        if event_since_s is None and self._eventful:
            self._excluded_until_s = at_s + AROUND_ALERT_S
        self._eventful = event_since_s is not None
        wrong_since_s = verdict.condition_since_s
        if wrong_since_s is not None and wrong_since_s < at_s and not self._wrong:
            self._exclude(wrong_since_s - AROUND_ALERT_S, Exclusion.CONDITION)
        self._wrong = wrong_since_s is not None and wrong_since_s < at_s
        excluded = NOT_EXCLUDED if wrong_since_s is None else Exclusion.CONDITION
        if self._eventful or self._excluded_until_s - AROUND_ALERT_S <= at_s <= self._excluded_until_s:
            excluded |= Exclusion.ALERT
        elif verdict.score >= verdict.level:
            excluded |= Exclusion.HIGH
        if verdict.bare_score is not None or at_s <= self._added_until_s:
            excluded |= self._judge_bare(at_s, verdict)
        return excluded

    def _judge_bare(self, at_s: float, verdict: Verdict) -> Exclusion:
        """As much is excluded around what additions kept quiet as if it had alerted."""
        score, was_high = verdict.bare_score or 0.0, at_s <= self._added_until_s
        if score >= verdict.level and not was_high:
            self._exclude(at_s - AROUND_ALERT_S, Exclusion.ADDED)
        if score >= verdict.level * (OFF_OF_ON if was_high else 1.0):
            self._added_until_s = at_s + EventRule.cooldown_s + AROUND_ALERT_S
        return Exclusion.ADDED if at_s <= self._added_until_s else NOT_EXCLUDED

    def _exclude(self, since_s: float, reason: Exclusion) -> None:
        """What is on disk by now stays as it is."""
        for stretch in (*self._finished, self._open):
            stretch.exclude(since_s, reason)

    def finish_if_silent(self) -> None:
        """Hand over everything where no frame has come for a while."""
        if time.monotonic() - self._taken_s > _SILENT_S:
            self.finish()

    def finish(self) -> None:
        """No more frames for now: hand over everything."""
        self._finish_open()
        while self._finished:
            self._hand_over(self._finished.popleft())

    def _finish_open(self) -> None:
        if len(self._open):
            self._finished.append(self._open)
        self._open = self._new_stretch(1.0)
        self._unsaved = True

    def _new_stretch(self, share: float) -> StretchCollector:
        known = self._writer.remembered(self.folder)
        if known is None:
            self._writer.look_up(self.folder, self._identity.fingerprint)
        first = known is None or known.seconds < _FIRST_MINUTES_S
        return StretchCollector(self._kinds, self._identity, (FIRST_STRETCH_S if first else STRETCH_S) * share)

    def _hand_over(self, stretch: StretchCollector) -> None:
        if stretch.ended_s - stretch.started_s < _LEAST_S:
            return
        if self._rule.keeps(stretch, self._writer.remembered(self.folder)):
            self._writer.store(self.folder, stretch.finish())
            self._saved = False
        elif self._saved:
            self._writer.drop_beginning(self.folder)
            self._saved = False


def _is_within(started_ms: int, seconds: float, spans: Sequence[SpanMs]) -> bool:
    return overlaps(started_ms, started_ms + math.ceil(seconds * 1000), spans)
