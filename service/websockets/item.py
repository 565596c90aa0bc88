"""Stream entries as the messages that clients receive."""

from __future__ import annotations

import json
from typing import Any

from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import Entry
from patchwatch.messages.alerts.alert import Alert, AlertView
from patchwatch.messages.alerts.verdict import ALERT_FIELD, CORRECTION_FIELD, VERDICT_FIELD, VerdictChange
from patchwatch.messages.cameras.correction import CorrectionChange
from patchwatch.messages.frames.score import Score
from service.schemas.alerts.verdict import ReviewedAlertView
from service.schemas.cameras.correction import CorrectionView
from service.schemas.cameras.score import ScorePoint
from service.websockets.client import Item


def alert_item(stream: str, entry: Entry, base: str = "") -> Item | None:
    """A change of an alert, or of the verdict on it, or a correction: messages of other types, which clients that know
    of none take for nothing. None for an entry that cannot be read. ``base``: the beginning of links."""
    if VERDICT_FIELD in entry[1]:
        return _verdict_item(stream, entry, base)
    if CORRECTION_FIELD in entry[1]:
        return _correction_item(stream, entry)
    entry_id = entry[0].decode()
    alert = readable(Alert.decode, entry[1].get(ALERT_FIELD, b""), f"entry {entry_id} of {stream}")
    if alert is None:
        return None
    view = AlertView.from_alert(alert, base).model_dump(mode="json")
    message = {"type": "alert", "id": entry_id, "change": alert.change.value, "alert": view}
    return Item(stream, entry_id, alert.camera_id, _text(message))


def _verdict_item(stream: str, entry: Entry, base: str) -> Item | None:
    entry_id = entry[0].decode()
    change = readable(VerdictChange.decode, entry[1][VERDICT_FIELD], f"entry {entry_id} of {stream}")
    if change is None:
        return None
    view = ReviewedAlertView.from_records(change.alert, change.statement, base).model_dump(mode="json")
    return Item(stream, entry_id, change.alert.camera_id, _text({"type": "verdict", "id": entry_id, "alert": view}))


def _correction_item(stream: str, entry: Entry) -> Item | None:
    entry_id = entry[0].decode()
    change = readable(CorrectionChange.decode, entry[1][CORRECTION_FIELD], f"entry {entry_id} of {stream}")
    if change is None:
        return None
    view = CorrectionView.from_record(change.correction).model_dump(mode="json")
    message = {"type": "correction", "id": entry_id, "camera_id": change.camera_id, "correction": view}
    return Item(stream, entry_id, change.camera_id, _text(message))


def score_item(stream: str, camera_id: str, entry: Entry) -> Item | None:
    """None for an entry that cannot be read."""
    entry_id = entry[0].decode()
    score = readable(Score.decode, entry[1], f"entry {entry_id} of {stream}")
    if score is None:
        return None
    point = ScorePoint.from_score(score).model_dump(mode="json")
    message = {"type": "score", "id": f"{camera_id}:{entry_id}", "camera_id": camera_id, **point}
    return Item(stream, entry_id, camera_id, _text(message))


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
