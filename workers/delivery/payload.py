"""What is sent: the same bytes at every attempt."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from patchwatch.bus.stream_ids import entry_ms
from patchwatch.contract.timestamps import iso
from patchwatch.messages.alert import Alert, AlertView


def alert_body(entry_id: str, alert: Alert, public_url: str | None = None) -> bytes:
    """``type`` is ``alert.open``, once; then ``alert.update`` as the peak rises, and ``alert.closed``, once. ``data``
    is the alert as the REST API shows it; with a public URL its links are whole, and ``link`` leads to the page."""
    data = AlertView.from_alert(alert, public_url or "").model_dump(mode="json")
    if public_url:
        data["link"] = f"{public_url}/#alert={quote(alert.id)}"
    return _encoded(f"alert.{alert.change.value}", entry_ms(entry_id), data)


def trial_body(webhook_id: str, at_ms: int) -> bytes:
    """What `patchwatch webhooks test` sends."""
    return _encoded("test", at_ms, {"webhook_id": webhook_id})


def _encoded(kind: str, at_ms: int, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "timestamp": iso(at_ms), "data": data}, separators=(",", ":")).encode()
