"""What is sent to a receiver: the body of a message, its id and its signature.

Messages follow Standard Webhooks, spec v1 (https://github.com/standard-webhooks/standard-webhooks).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from patchwatch.bus.streams import entry_ms
from patchwatch.contract.bounds import LATEST_MS
from patchwatch.contract.signed_link import LinkedPart, alert_link
from patchwatch.contract.timestamps import iso
from patchwatch.messages.alerts.alert import Alert, AlertView
from patchwatch.messages.alerts.webhook import Webhook


@dataclass(frozen=True)
class AlertLinks:
    """Makes signed links to the pictures and the clip of alerts. They work for ``hours`` from the change on."""

    public_url: str
    secret: bytes
    hours: float

    def of(self, entry_id: str, alert_id: str) -> dict[str, str]:
        """By what they lead to. A clip is there once the alert is over and its evidence stored."""
        until_s = entry_ms(entry_id) // 1000 + round(self.hours * 3600)

        def link(part: LinkedPart) -> str:
            return self.public_url + alert_link(self.secret, alert_id, part, until_s)

        expires = min(LATEST_MS, until_s * 1000)
        return {
            "picture": link("picture.jpg"),
            "clip": link("clip.mp4"),
            "archive": link("evidence.zip"),
            "expires": iso(expires),
        }


def alert_body(entry_id: str, alert: Alert, public_url: str | None = None, links: AlertLinks | None = None) -> bytes:
    """The same bytes at every attempt.

    ``type`` is ``alert.open``, once; then ``alert.update`` as the peak rises, and ``alert.closed``, once. ``data`` is
    the alert as the REST API shows it; with a public URL its links are absolute, ``link`` leads to the page, and
    ``links`` to its pictures and clip, without a token.
    """
    data = AlertView.from_alert(alert, public_url or "").model_dump(mode="json")
    if public_url:
        data["link"] = f"{public_url}/#alert={quote(alert.id)}"
    if links is not None:
        data["links"] = links.of(entry_id, alert.id)
    return _encode(f"alert.{alert.change.value}", entry_ms(entry_id), data)


def trial_body(webhook_id: str, at_ms: int) -> bytes:
    """What `patchwatch webhooks test` sends."""
    return _encode("test", at_ms, {"webhook_id": webhook_id})


def message_id(webhook: Webhook, entry_id: str) -> str:
    """Unique for each webhook and change, and the same at every attempt, so that a receiver recognises a repetition."""
    return f"{webhook.id}_{entry_id}"


def signed_headers(key: bytes, message_id: str, timestamp_s: int, body: bytes) -> list[tuple[bytes, bytes]]:
    """``webhook-id``, ``webhook-timestamp`` (of this attempt) and ``webhook-signature``: HMAC-SHA256 of all three."""
    content = b".".join((message_id.encode(), str(timestamp_s).encode(), body))
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256))
    return [
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", str(timestamp_s).encode()),
        (b"webhook-signature", b"v1," + signature),
    ]


def _encode(kind: str, at_ms: int, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "timestamp": iso(at_ms), "data": data}, separators=(",", ":")).encode()
