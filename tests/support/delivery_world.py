"""What the service and the inference worker write for deliveries, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys, WebhookKeys
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook, new_secret


@dataclass
class World:
    """Writes what the service and the inference worker would write."""

    bus: Any

    def webhook(self, url: str, webhook_id: str = "home", **fields: Any) -> Webhook:
        webhook = Webhook.model_validate({"id": webhook_id, "url": url, "secret": new_secret(), **fields})
        self.bus.hset(keys.WEBHOOKS, webhook.id, webhook.encode())
        self.bus.incr(keys.WEBHOOKS_REVISION)
        return webhook

    def channel(self, url: str, channel_id: str = "phone", **fields: Any) -> Channel:
        """Without a window, unless it is given one."""
        channel = Channel.model_validate({"id": channel_id, "url": url, "window_s": 0, **fields})
        self.bus.hset(keys.CHANNELS, channel.id, channel.encode())
        self.bus.incr(keys.CHANNELS_REVISION)
        return channel

    def alert(self, number: int, camera_id: str = "gate", entry_id: str = "*", **fields: Any) -> str:
        """Returns the id on the stream."""
        known = {
            "id": f"{camera_id}-{number}", "camera_id": camera_id, "state": AlertState.OPEN, "started_at_ms": number,
            "opened_at_ms": number, "peak_at_ms": number, "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
            "bank_id": "b",
        }  # fmt: skip
        alert = Alert.model_validate(known | fields)
        added: bytes = self.bus.xadd(keys.ALERTS, {b"a": alert.encode()}, id=entry_id)
        return added.decode()

    def progress(self, webhook_id: str = "home") -> Progress:
        data = self.bus.get(WebhookKeys(webhook_id).progress)
        return Progress.decode(data) if data else Progress()

    def letters(self, webhook_id: str = "home") -> list[DeadLetter]:
        return [DeadLetter.decode(row[b"d"]) for _, row in self.bus.xrange(WebhookKeys(webhook_id).dead)]

    def stored(self, webhook_id: str = "home") -> Webhook:
        return Webhook.decode(self.bus.hget(keys.WEBHOOKS, webhook_id))

    def told(self, channel_id: str = "phone") -> ChannelProgress:
        data = self.bus.get(ChannelKeys(channel_id).progress)
        return ChannelProgress.decode(data) if data else ChannelProgress()

    def log(self, channel_id: str = "phone") -> list[ChannelRecord]:
        return [ChannelRecord.decode(row[b"r"]) for _, row in self.bus.xrange(ChannelKeys(channel_id).log)]
