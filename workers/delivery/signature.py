"""Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, spec v1): what a receiver verifies."""

from __future__ import annotations

import base64
import hashlib
import hmac

from patchwatch.messages.webhook import Webhook


def message_id(webhook: Webhook, entry_id: str) -> str:
    """The same at every attempt, so that a receiver can tell a repetition; another for each webhook and change."""
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
