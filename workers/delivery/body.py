"""What is sent: the same bytes at every attempt."""

from __future__ import annotations

import json
from typing import Any

from patchwatch.entry import entry_ms
from patchwatch.messages.alert import Alert
from patchwatch.messages.alert_view import AlertView
from patchwatch.messages.moment import iso


def alert_body(entry_id: str, alert: Alert) -> bytes:
    """``type`` is ``alert.open`` or ``alert.closed``; ``data`` the alert as the REST API shows it."""
    return _encoded(f"alert.{alert.state.value}", entry_ms(entry_id), AlertView.of(alert).model_dump(mode="json"))


def trial_body(webhook_id: str, at_ms: int) -> bytes:
    """What `patchwatch webhooks test` sends."""
    return _encoded("test", at_ms, {"webhook_id": webhook_id})


def _encoded(kind: str, at_ms: int, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "timestamp": iso(at_ms), "data": data}, separators=(",", ":")).encode()
