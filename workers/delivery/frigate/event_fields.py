"""What Frigate is told of an alert."""

from __future__ import annotations

from typing import Any

from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.notifier.context import words_of

LATEST_MS = 120_000  # an alert that ended longer ago makes no event, because Frigate dates one by when it is made
TRIAL_LABEL = "patchwatch_test"
TRIAL: dict[str, Any] = {"sub_label": "test", "duration": 1, "include_recording": False}
_LONGEST_SUB_LABEL = 100


def label_of(alert: Alert) -> str:
    """What Frigate lists the event under."""
    return alert.kind.value


def event_fields(alert: Alert) -> dict[str, Any]:
    """The body of its creation. An alert that is over already makes an event of its length, which ends by itself; an
    open one, an event to be ended."""
    fields: dict[str, Any] = {
        "sub_label": words_of(alert)[:_LONGEST_SUB_LABEL], "duration": _length_s(alert), "include_recording": True,
    }  # fmt: skip
    return fields if alert.peak_score is None else fields | {"score": round(alert.peak_score, 3)}


def is_too_late(alert: Alert, now_ms: int) -> bool:
    """Whether its event would lie at another time than what it is about."""
    return alert.ended_at_ms is not None and now_ms - alert.ended_at_ms > LATEST_MS


def _length_s(alert: Alert) -> int | None:
    if alert.state is AlertState.OPEN or alert.ended_at_ms is None:
        return None
    return max(1, round((alert.ended_at_ms - alert.started_at_ms) / 1000))
