"""Entries of the streams as the messages that clients get."""

from __future__ import annotations

import json
from typing import Any

from patchwatch.errors import InvalidMessageError
from patchwatch.messages.alert import Alert
from patchwatch.messages.alert_view import AlertView
from patchwatch.messages.score import Score
from service.models import ScorePoint
from service.store.streams import Entry
from service.websockets.client import Item


def alert_item(stream: str, entry: Entry) -> Item:
    """Raises `InvalidMessageError`."""
    entry_id, fields = entry[0].decode(), entry[1]
    if b"a" not in fields:
        raise InvalidMessageError(f"entry {entry_id} of {stream} holds no alert")
    alert = Alert.decode(fields[b"a"])
    view = AlertView.of(alert).model_dump(mode="json")
    return Item(stream, entry_id, alert.camera_id, _text({"type": "alert", "id": entry_id, "alert": view}))


def score_item(stream: str, camera_id: str, entry: Entry) -> Item:
    """Raises `InvalidMessageError`."""
    entry_id = entry[0].decode()
    point = ScorePoint.of(Score.decode(entry[1])).model_dump(mode="json")
    message = {"type": "score", "id": f"{camera_id}:{entry_id}", "camera_id": camera_id, **point}
    return Item(stream, entry_id, camera_id, _text(message))


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
