"""The records of an alert in Redis: whoever raises alerts writes them like this, in its own transaction."""

from __future__ import annotations

from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.streams import MAX_ALERT_CHANGES
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import ALERT_FIELD

_DAY_S = 86_400


def lifetime_s(retention_days: float) -> int:
    """Of the records of an alert since it last changed."""
    return int(retention_days * _DAY_S)


def queue_alert(pipe: Any, alert: Alert, lifetime_s: int) -> None:
    """Queue the writing of the record. What operators and models said of the alert stays as long as it does."""
    pipe.set(keys.alert(alert.id), alert.encode(), ex=lifetime_s)
    pipe.expire(keys.alert_verdicts(alert.id), lifetime_s)
    pipe.expire(keys.alert_sentence(alert.id), lifetime_s)


def queue_announcement(pipe: Any, alert: Alert, now_ms: int) -> None:
    """Queue what tells subscribers of a change, and lists the alert by time. ``now_ms``: by the clock of Redis."""
    pipe.xadd(keys.ALERTS, {ALERT_FIELD: alert.encode()}, maxlen=MAX_ALERT_CHANGES, approximate=True)
    pipe.zadd(keys.ALERTS_BY_TIME, {alert.id: alert.started_at_ms})
    pipe.zadd(keys.ALERTS_BY_RECEIPT, {alert.id: now_ms}, nx=True)
