"""Scores a batch of queued frames of any cameras."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.alarms.event_detector import AlertGate, Box, Event
from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore
from models.frames.frame import Features, Frame
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import NonFiniteScoreError, RejectedError
from patchwatch.messages.alert import AlertState
from patchwatch.messages.explanation import Explanation
from patchwatch.messages.frame import FrameMessage
from patchwatch.messages.score import Region, Score, StreamReading
from patchwatch.messages.status import DropReason
from workers.analysis.explanation import Explained, explanation_of
from workers.inference.anomaly_alerts import update_alert
from workers.inference.camera_state import CameraState
from workers.inference.commit import ChangedAlert, CommitBatch
from workers.inference.extraction import extract
from workers.inference.failures import Failures
from workers.inference.frame_age import FrameAge
from workers.inference.queue_reader import QueuedFrame
from workers.media import jpeg_codec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Item:
    session: CameraState
    message: FrameMessage
    frame: Frame
    own_ns: int  # on the camera's own time
    attention: AlertGate = AlertGate.OPEN


@dataclass(frozen=True)
class _Scored:
    """A scored frame, with what it takes to explain its reading."""

    item: _Item
    bank: Bank
    features: Sequence[Features]
    reading: FrameScore


def frame_of(message: FrameMessage, own_ns: int) -> Frame:
    """Decode a queued frame, of this moment of its camera's own time. Raises `RejectedError` when its picture is
    corrupt."""
    return Frame(jpeg_codec.decode(message.jpeg), own_ns / 1e9, message.discontinuity)


class Scorer:
    """Turns frames taken from the queue into outcomes, in the order of each camera's frames."""

    def __init__(self, age: FrameAge) -> None:
        self._age = age
        self._failures = Failures()

    def score(self, taken: Sequence[QueuedFrame]) -> dict[str, tuple[CameraState, CommitBatch]]:
        """Outcomes by camera id; also of cameras whose frames were all dropped, so that the drops are committed."""
        outcomes = {entry.session.camera.id: (entry.session, CommitBatch()) for entry in taken}
        by_engine: dict[tuple[int, str], list[_Item]] = defaultdict(list)
        for entry in taken:
            item = self._admit(entry, outcomes[entry.session.camera.id][1])
            if item is not None:
                camera_id = entry.session.camera.id
                apart = camera_id if self._failures.lately(camera_id) else ""
                by_engine[id(entry.session.engine), apart].append(item)
        for items in by_engine.values():
            engine = items[0].session.engine
            if engine is not None:
                self._score_items(engine, items, outcomes)
        return outcomes

    def _admit(self, entry: QueuedFrame, outcome: CommitBatch) -> _Item | None:
        """Decode a frame, or drop it with its reason counted."""
        session, message = entry.session, entry.message
        if not session.take(entry.seq, entry.books):
            return None
        if message is None:
            session.drop(DropReason.CORRUPT)
            return None
        own_ns = session.camera_time.take(message, time.monotonic_ns())
        if session.ready and message.live and (entry.late or self._age.is_too_old(session, message)):
            session.drop(DropReason.TOO_OLD)
            return None
        try:
            frame = frame_of(message, own_ns)
        except RejectedError as error:
            log.warning("%s: frame %d dropped: %s", session.camera.id, message.seq, error)
            session.drop(DropReason.CORRUPT)
            return None
        frame = session.cuts.mark(frame)
        session.keep(message.seq, own_ns, cut=frame.cut)  # without a bank: for the snapshot
        attention = _look(session, message, frame, outcome)
        if not session.ready:
            session.boxes = []
            session.drop(DropReason.NO_BANK)
            return None
        return _Item(session, message, frame, own_ns, attention)

    def _score_items(
        self, engine: Engine, items: Sequence[_Item], outcomes: dict[str, tuple[CameraState, CommitBatch]]
    ) -> None:
        extracted = extract(engine, [item.frame for item in items], [item.session.view for item in items])
        latest: dict[str, _Scored] = {}
        for item, found in zip(items, extracted, strict=True):
            if isinstance(found, Exception):
                self._failures.drop(item.session, item.message.seq, found)
                continue
            outcome = outcomes[item.session.camera.id][1]
            boxes = _labelled_boxes(engine, found.perception, found.number, item)
            scored = self._score_item(item, found.features, boxes, outcome)
            if scored is not None:
                latest[item.session.camera.id] = scored
        for camera_id, scored in latest.items():
            outcomes[camera_id][1].explanation = _explanation(scored, thumbnails=False)

    def _score_item(
        self, item: _Item, features: Sequence[Features], boxes: list[list[object]], outcome: CommitBatch
    ) -> _Scored | None:
        session, message, analyzer = item.session, item.message, item.session.analyzer
        if analyzer is None:
            raise RuntimeError("an admitted frame has an analyzer")
        try:
            reading = analyzer.read(
                features, item.frame.at_s, item.attention, discontinuity=item.frame.discontinuity
            )  # fmt: skip
        except NonFiniteScoreError as error:
            log.error("%s: frame %d dropped: %s", session.camera.id, message.seq, error)
            session.drop(DropReason.NON_FINITE)
            return None
        except Exception as error:  # noqa: BLE001 (border: as in `extract`)
            self._failures.drop(session, message.seq, error)
            return None
        score = _score_message(item, reading, self._age.clock.now_ns())
        before_ms = session.last_score_ms
        outcome.scores.append((session.next_score_ms(item.own_ns), score))
        over = session.add_to_minute(message.captured_at_ns // 1_000_000, score.score)
        if over is not None:
            outcome.minutes.append((before_ms, over))
        session.counters["scored"] += 1
        session.boxes = boxes
        scored = _Scored(item, analyzer.bank, features, reading)
        outcome.alerts += [_alert(scored, event) for event in reading.changes]
        silent = analyzer.silent(reading)
        outcome.alerts += [
            ChangedAlert(alert, tell=True) for alert in session.conditions.judge(session.camera, item.frame, silent)
        ]
        return scored


def _look(session: CameraState, message: FrameMessage, frame: Frame, outcome: CommitBatch) -> AlertGate:
    """Record what befell the picture as a whole; returns what the frame's score is worth."""
    attention, alerts = session.conditions.look(session.camera, frame)
    for alert in alerts:
        opened = alert.state is AlertState.OPEN
        outcome.alerts.append(ChangedAlert(alert, tell=True, picture=message.jpeg if opened else None))
    return attention


def close_events(session: CameraState, events: Sequence[Event], outcome: CommitBatch) -> None:
    """Record events that ended without a frame: the bank changed, or the camera fell silent."""
    outcome.alerts += [ChangedAlert(*update_alert(session, event, None)) for event in events]


def _alert(scored: _Scored, event: Event) -> ChangedAlert:
    """Picture and explanation are those of the peak, or of the opening when the peak was just before it."""
    item = scored.item
    alert, tell = update_alert(item.session, event, _in_source(event.box_xyxy_px, item.message))
    if event.ended_s is None and item.frame.at_s in (event.peak_s, event.opened_s):
        return ChangedAlert(alert, tell, item.message.jpeg, _explanation(scored, thumbnails=True))
    return ChangedAlert(alert, tell)


def _explanation(scored: _Scored, *, thumbnails: bool) -> Explanation:
    message = scored.item.message
    explained = Explained(
        scored.item.session.camera.id,
        message.captured_at_ns // 1_000_000,
        message.seq,
        (message.width, message.height),
        (message.source_width, message.source_height),
    )
    return explanation_of(explained, scored.bank, scored.features, scored.reading, thumbnails=thumbnails)


def _score_message(item: _Item, reading: FrameScore, scored_at_ns: int) -> Score:
    session, message = item.session, item.message
    bank = session.bank
    if bank is None:
        raise RuntimeError("a scored frame has a bank")
    names = [spec.name for spec in bank.profile.streams]
    return Score(
        seq=message.seq,
        captured_at_ns=message.captured_at_ns,
        scored_at_ns=max(0, scored_at_ns),
        raw=reading.raw,
        score=reading.score,
        streams=tuple(StreamReading(name, rarity) for name, rarity in zip(names, reading.rarities, strict=True)),
        driver=reading.driver,
        region=_in_source(reading.box_xyxy_px, message),
        random_weights=bank.random_weights,
    )


def _in_source(box: Box | None, message: FrameMessage) -> Region | None:
    return Region.in_source(box, (message.width, message.height), (message.source_width, message.source_height))


def _labelled_boxes(engine: Engine, perception: FrameBatch, number: int, item: _Item) -> list[list[object]]:
    if not engine.profile.needs_detector:
        return []
    found = perception.detections[number]
    rows = zip(found.boxes_xyxy_px.tolist(), found.labels, found.confidences.tolist(), strict=True)
    regions = ((_in_source((x1, y1, x2, y2), item.message), label, sure) for (x1, y1, x2, y2), label, sure in rows)
    return [[r.x1, r.y1, r.x2, r.y2, label, round(sure, 3)] for r, label, sure in regions if r is not None]
