"""Scores a batch of queued frames of any cameras."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.analyzer import Reading
from models.engine import Engine
from models.event import Box, Event
from models.features import Features
from models.frame import Frame
from models.perception import Perception
from patchwatch.errors import NonFiniteScoreError, RejectedError
from patchwatch.messages.alert import Alert
from patchwatch.messages.frame import FrameMessage
from patchwatch.messages.score import Region, Score, StreamReading
from patchwatch.messages.status import DropReason
from workers.inference.alerts import update_alert
from workers.inference.commit import Outcome
from workers.inference.queue_reader import Taken
from workers.inference.session import Session
from workers.ingest import picture

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Item:
    session: Session
    message: FrameMessage
    frame: Frame


def frame_of(message: FrameMessage) -> Frame:
    """Decode a queued frame. Raises `RejectedError` when its picture is corrupt."""
    return Frame(picture.decode(message.jpeg), message.captured_at_ns / 1e9, message.discontinuity)


class Scorer:
    """Turns frames taken from the queue into outcomes, in the order of each camera's frames."""

    def __init__(self, max_age_s: float) -> None:
        self._max_age_s = max_age_s

    def score(self, taken: Sequence[Taken]) -> dict[str, tuple[Session, Outcome]]:
        """Outcomes by camera id; also of cameras whose frames were all dropped, so that the drops are committed."""
        outcomes = {entry.session.camera.id: (entry.session, Outcome()) for entry in taken}
        by_engine: dict[int, list[_Item]] = defaultdict(list)
        for entry in taken:
            item = self._admit(entry)
            if item is not None:
                by_engine[id(entry.session.engine)].append(item)
        for items in by_engine.values():
            engine = items[0].session.engine
            if engine is not None:
                self._score_items(engine, items, outcomes)
        return outcomes

    def _admit(self, entry: Taken) -> _Item | None:
        """Decode a frame, or drop it with its reason counted."""
        session, message = entry.session, entry.message
        if not session.take(entry.seq):
            return None
        if message is None:
            session.drop(DropReason.CORRUPT)
            return None
        if not session.ready:
            session.keep(message)  # for the snapshot
            session.boxes = []
            session.drop(DropReason.NO_BANK)
            return None
        if message.live and time.time_ns() - message.captured_at_ns > self._max_age_s * 1e9:
            session.drop(DropReason.TOO_OLD)
            return None
        try:
            item = _Item(session, message, frame_of(message))
        except RejectedError as error:
            log.warning("%s: frame %d dropped: %s", session.camera.id, message.seq, error)
            session.drop(DropReason.CORRUPT)
            return None
        session.keep(message)
        return item

    def _score_items(
        self, engine: Engine, items: Sequence[_Item], outcomes: dict[str, tuple[Session, Outcome]]
    ) -> None:
        perception = engine.perceive([item.frame for item in items], [item.session.view for item in items])
        features = engine.features(perception)
        for number, item in enumerate(items):
            outcome = outcomes[item.session.camera.id][1]
            self._score_item(item, features[number], _labelled_boxes(engine, perception, number, item), outcome)

    def _score_item(
        self, item: _Item, features: Sequence[Features], boxes: list[list[object]], outcome: Outcome
    ) -> None:
        session, message, analyzer = item.session, item.message, item.session.analyzer
        if analyzer is None:
            raise RuntimeError("an admitted frame has an analyzer")
        try:
            reading = analyzer.read(features, item.frame.at_s)
        except NonFiniteScoreError as error:
            log.error("%s: frame %d dropped: %s", session.camera.id, message.seq, error)
            session.drop(DropReason.NON_FINITE)
            return
        score = _score_message(item, reading)
        entry_ms = session.next_score_ms(message.captured_at_ns)
        outcome.scores.append((entry_ms, score))
        over = session.add_to_minute(entry_ms, score.score)
        if over is not None:
            outcome.minutes.append(over)
        session.counters["scored"] += 1
        session.boxes = boxes
        for event in reading.changes:
            outcome.alerts.append(_alert(item, event))


def close_events(session: Session, events: Sequence[Event], outcome: Outcome) -> None:
    """Record events that ended without a frame: the bank changed, or the camera fell silent."""
    outcome.alerts += [(*update_alert(session, event, None), None) for event in events]


def _alert(item: _Item, event: Event) -> tuple[Alert, bool, bytes | None]:
    """The picture is that of the peak, or of the opening when the peak was just before it."""
    pictured = event.ended_s is None and item.frame.at_s in (event.peak_s, event.opened_s)
    alert, tell = update_alert(item.session, event, _in_source(event.box_xyxy_px, item.message))
    return alert, tell, item.message.jpeg if pictured else None


def _score_message(item: _Item, reading: Reading) -> Score:
    session, message = item.session, item.message
    bank = session.bank
    if bank is None:
        raise RuntimeError("a scored frame has a bank")
    names = [spec.name for spec in bank.profile.streams]
    return Score(
        seq=message.seq,
        captured_at_ns=message.captured_at_ns,
        scored_at_ns=time.time_ns(),
        raw=reading.raw,
        score=reading.score,
        streams=tuple(StreamReading(name, rarity) for name, rarity in zip(names, reading.rarities, strict=True)),
        driver=reading.driver,
        region=_in_source(reading.box_xyxy_px, message),
        random_weights=bank.random_weights,
    )


def _in_source(box: Box | None, message: FrameMessage) -> Region | None:
    if box is None:
        return None
    across, down = message.source_width / message.width, message.source_height / message.height
    x1, y1, x2, y2 = box
    return Region(
        max(0, round(x1 * across)),
        max(0, round(y1 * down)),
        min(message.source_width, round(x2 * across)),
        min(message.source_height, round(y2 * down)),
    )


def _labelled_boxes(engine: Engine, perception: Perception, number: int, item: _Item) -> list[list[object]]:
    if not engine.profile.needs_detector:
        return []
    found = perception.detections[number]
    rows = zip(found.boxes_xyxy_px.tolist(), found.labels, found.confidences.tolist(), strict=True)
    regions = ((_in_source((x1, y1, x2, y2), item.message), label, sure) for (x1, y1, x2, y2), label, sure in rows)
    return [[r.x1, r.y1, r.x2, r.y2, label, round(sure, 3)] for r, label, sure in regions if r is not None]
