"""The scores of a camera around an alert, as a part of its evidence."""

from __future__ import annotations

import json
from typing import Any

from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.score import Score

_MOST = 20_000  # ten minutes at 30 a second


def score_curve(client: Any, keys: CameraKeys, alert: Alert, from_ms: int, until_ms: int) -> bytes | None:
    """JSON: ``scores`` is a list of [Unix time in ms, score]. None where none are kept. Raises redis-py's errors."""
    eras = Eras.from_record(client.hget(keys.state, "eras"))
    rows: list[tuple[int, float]] = []
    for first_ms, last_ms in eras.own_ranges(max(0, from_ms), max(0, until_ms)):
        entries = (
            client.xrange(keys.scores, min=first_ms, max=last_ms, count=_MOST - len(rows)) if len(rows) < _MOST else ()
        )
        scores = (readable(Score.decode, fields, "a score") for _, fields in entries)
        rows += [(score.captured_at_ns // 1_000_000, round(score.score, 6)) for score in scores if score is not None]
    rows = sorted(row for row in rows if from_ms <= row[0] <= until_ms)
    if not rows:
        return None
    facts = {"camera_id": alert.camera_id, "threshold": alert.threshold, "bank_id": alert.bank_id, "scores": rows}
    return json.dumps(facts, separators=(",", ":")).encode()
