"""Scores a batch of queued frames of any cameras."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.alarms.event_detector import AlertGate, Event
from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore
from models.frames.detections import Detections
from models.frames.frame import Box, Features, Frame
from patchwatch.contract.errors import NonFiniteScoreError, RejectedError
from patchwatch.messages.alert import AlertState
from patchwatch.messages.explanation import Explanation
from patchwatch.messages.frame import FrameMessage
from patchwatch.messages.score import Region, Score, StreamReading
from patchwatch.messages.status import DropReason
from workers.analysis.explanation import explanation_of
from workers.inference.camera_state import CameraState
from workers.inference.commit import AlertUpdate, CommitBatch
from workers.inference.extraction import FailureLog, extract
from workers.inference.frame_age import FrameAge
from workers.inference.queue_reader import QueuedFrame
from workers.media import jpeg_codec

log = logging.getLogger(__name__)

Batches = dict[str, tuple[CameraState, CommitBatch]]  # by camera id


@dataclass
class ScoredFrame:
    """A frame from its decoding to its score: the last three are filled in once it is scored.

    ``own_ns``: on the camera's own time. ``gate``: whether its score may open an event.
    """

    state: CameraState
    message: FrameMessage
    frame: Frame
    own_ns: int
    gate: AlertGate = AlertGate.OPEN
    bank: Bank | None = None
    features: Sequence[Features] = ()
    score: FrameScore | None = None

    def region(self, box: Box | None) -> Region | None:
        """A box of the analysed picture in the camera's own picture."""
        message = self.message
        return Region.in_source(box, (message.width, message.height), (message.source_width, message.source_height))

    def explanation(self, *, thumbnails: bool) -> Explanation:
        """Why the frame has its score."""
        message = self.message
        if self.bank is None or self.score is None:
            raise RuntimeError("only a scored frame can be explained")
        return explanation_of(
            self.bank, self.features, self.score,
            camera_id=self.state.camera.id, at_ms=message.captured_at_ns // 1_000_000, seq=message.seq,
            size=(message.width, message.height), source_size=(message.source_width, message.source_height),
            thumbnails=thumbnails,
        )  # fmt: skip


def decode_frame(message: FrameMessage, own_ns: int) -> Frame:
    """Decode a queued frame, of this moment of its camera's own time. Raises `RejectedError` when its picture is
    corrupt."""
    return Frame(jpeg_codec.decode(message.jpeg), own_ns / 1e9, message.discontinuity)


class Scorer:
    """Turns frames taken from the queue into batches to commit, in the order of each camera's frames."""

    def __init__(self, age: FrameAge) -> None:
        self._age = age
        self._failures = FailureLog()

    def score(self, queued: Sequence[QueuedFrame]) -> Batches:
        """By camera; also for cameras whose frames were all dropped, so that the drops are committed."""
        batches = {frame.state.camera.id: (frame.state, CommitBatch()) for frame in queued}
        by_engine: dict[tuple[int, str], list[ScoredFrame]] = defaultdict(list)
        for entry in queued:
            camera_id = entry.state.camera.id
            frame = self._admit(entry, batches[camera_id][1])
            if frame is not None:
                apart = camera_id if self._failures.failed_recently(camera_id) else ""
                by_engine[id(entry.state.bank.engine), apart].append(frame)
        for frames in by_engine.values():
            engine = frames[0].state.bank.engine
            if engine is not None:
                self._score_frames(engine, frames, batches)
        return batches

    def _admit(self, queued: QueuedFrame, batch: CommitBatch) -> ScoredFrame | None:
        """Decode a frame, or drop it and count the reason."""
        state, message = queued.state, queued.message
        if not state.advance(queued.seq, queued.gaps):
            return None
        if message is None:
            state.count_drop(DropReason.CORRUPT)
            return None
        own_ns = state.camera_time.take(message, time.monotonic_ns())
        if state.ready and message.live and (queued.late or self._age.is_too_old(state.arrivals, message)):
            state.count_drop(DropReason.TOO_OLD)
            return None
        try:
            frame = decode_frame(message, own_ns)
        except RejectedError as error:
            log.warning("%s: frame %d dropped: %s", state.camera.id, message.seq, error)
            state.count_drop(DropReason.CORRUPT)
            return None
        frame = state.cuts.mark(frame)
        state.keep_frame(message.seq, own_ns, cut=frame.cut)  # without a bank: for the snapshot
        gate = _check_picture(state, message, frame, batch)
        if not state.ready:
            state.boxes = []
            state.count_drop(DropReason.NO_BANK)
            return None
        return ScoredFrame(state, message, frame, own_ns, gate)

    def _score_frames(self, engine: Engine, frames: Sequence[ScoredFrame], batches: Batches) -> None:
        results = extract(engine, [frame.frame for frame in frames], [frame.state.bank.context for frame in frames])
        latest: dict[str, ScoredFrame] = {}
        for frame, result in zip(frames, results, strict=True):
            camera_id = frame.state.camera.id
            if isinstance(result, Exception):
                self._fail(frame, result)
            elif self._score_frame(frame, *result, batches[camera_id][1]):
                latest[camera_id] = frame
        for camera_id, frame in latest.items():
            batches[camera_id][1].explanation = frame.explanation(thumbnails=False)

    def _score_frame(
        self, frame: ScoredFrame, features: Sequence[Features], detections: Detections | None, batch: CommitBatch
    ) -> bool:
        """Score a frame into the batch. False when it was dropped."""
        state, message, scorer = frame.state, frame.message, frame.state.bank.scorer
        if scorer is None:
            raise RuntimeError("an admitted frame has a scorer")
        try:
            score = scorer.score(features, frame.frame.at_s, frame.gate, discontinuity=frame.frame.discontinuity)
        except NonFiniteScoreError as error:
            log.error("%s: frame %d dropped: %s", state.camera.id, message.seq, error)
            state.count_drop(DropReason.NON_FINITE)
            return False
        except Exception as error:  # noqa: BLE001 (border: as in `extract`)
            self._fail(frame, error)
            return False
        frame.bank, frame.features, frame.score = scorer.bank, features, score
        previous_ms = state.last_score_ms
        batch.scores.append((state.next_score_ms(frame.own_ns), self._message(frame, scorer.bank, score)))
        finished = state.add_to_minute(message.captured_at_ns // 1_000_000, score.score)
        if finished is not None:
            batch.minutes.append((previous_ms, finished))
        state.counters["scored"] += 1
        state.boxes = _labelled_boxes(frame, detections)
        batch.alerts += [alert_update(frame, event) for event in score.changes]
        alerts = state.conditions.observe_score(state.camera, frame.frame, scorer.is_silent(score))
        batch.alerts += [AlertUpdate(alert, announce=True) for alert in alerts]
        return True

    def _fail(self, frame: ScoredFrame, error: Exception) -> None:
        frame.state.count_drop(DropReason.FAILED)
        self._failures.record(frame.state.camera.id, frame.message.seq, error)

    def _message(self, frame: ScoredFrame, bank: Bank, score: FrameScore) -> Score:
        streams = zip(bank.profile.streams, score.rarities, strict=True)
        return Score(
            seq=frame.message.seq,
            captured_at_ns=frame.message.captured_at_ns,
            scored_at_ns=max(0, self._age.clock.now_ns()),
            raw=score.raw,
            score=score.score,
            streams=tuple([StreamReading(spec.name, rarity) for spec, rarity in streams]),
            driver=score.driver,
            region=frame.region(score.box_xyxy_px),
            random_weights=bank.random_weights,
        )


def close_events(state: CameraState, events: Sequence[Event], batch: CommitBatch) -> None:
    """Record events that ended without a frame: the bank changed, or the camera's frames stopped."""
    batch.alerts += [AlertUpdate(*state.update_alert(event, None)) for event in events]


def alert_update(frame: ScoredFrame, event: Event) -> AlertUpdate:
    """Picture and explanation are those of the peak, or of the opening when the peak was just before it."""
    alert, announce = frame.state.update_alert(event, frame.region(event.box_xyxy_px))
    if event.ended_s is None and frame.frame.at_s in (event.peak_s, event.opened_s):
        return AlertUpdate(alert, announce, frame.message.jpeg, frame.explanation(thumbnails=True))
    return AlertUpdate(alert, announce)


def _check_picture(state: CameraState, message: FrameMessage, frame: Frame, batch: CommitBatch) -> AlertGate:
    """Record conditions of the picture as a whole; returns whether the frame's score may open an event."""
    gate, alerts = state.conditions.observe_frame(state.camera, frame)
    for alert in alerts:
        picture = message.jpeg if alert.state is AlertState.OPEN else None
        batch.alerts.append(AlertUpdate(alert, announce=True, picture=picture))
    return gate


def _labelled_boxes(frame: ScoredFrame, detections: Detections | None) -> list[list[object]]:
    if detections is None:
        return []
    rows = zip(detections.boxes_xyxy_px.tolist(), detections.labels, detections.confidences.tolist(), strict=True)
    regions = ((frame.region((x1, y1, x2, y2)), label, confidence) for (x1, y1, x2, y2), label, confidence in rows)
    return [[r.x1, r.y1, r.x2, r.y2, label, round(confidence, 3)] for r, label, confidence in regions if r is not None]
