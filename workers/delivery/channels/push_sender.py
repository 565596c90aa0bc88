"""Sends messages to one device through its push service: encrypted for it alone (RFC 8291), signed as this installation
(RFC 8292)."""

from __future__ import annotations

import json
import os
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import http_ece
import py_vapid
from cryptography.hazmat.primitives.asymmetric import ec

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel
from patchwatch.messages.alerts.device import Device
from patchwatch.messages.alerts.severity import Severity
from patchwatch.notifier.protocol import MessageReport
from patchwatch.notifier.text import title_and_text
from workers.delivery.channels.channel_outbox import ChannelOutbox
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_http import GuardedHttp, NoAnswerError

_KEPT_S = 24 * 3600  # that the push service keeps a message for a device that is away
_SIGNED_FOR_S = 12 * 3600  # RFC 8292, section 2: at most 24 h
_MOST_BYTES = 3000  # of a message: push services take 4,096 bytes, encryption included
_MOST_ANSWER_BYTES = 64 * 1024
_NOBODY = "mailto:operator@patchwatch.invalid"  # whom to ask, where the installation has no public address
_GONE = (404, 410)  # RFC 8030, section 7.3: the subscription is over


class PushSender:
    """One device. ``outbox``: knows the key of this installation, which the device has subscribed to."""

    def __init__(
        self, channel: Channel, device: Device, outbox: ChannelOutbox, settings: Settings, tls: ssl.SSLContext
    ) -> None:
        self._endpoint = channel.url.get_secret_value()
        self._device = device
        self._with_picture = channel.picture
        self._outbox = outbox
        self._contact = settings.public_url if (settings.public_url or "").startswith("https://") else _NOBODY
        self._http = GuardedHttp(settings.webhook_reach, settings.webhook_timeout_s, tls)

    async def send(self, context: dict[str, Any], picture: bytes | None) -> tuple[DeliveryResult, MessageReport]:
        """One attempt, bounded in time, and the words of the message; the device fetches the picture by its link.
        Raises nothing that a push service can cause, and `BusUnavailableError`."""
        title, text = title_and_text("", "", context | {"link": None})
        report = MessageReport(title=title, text=text)
        try:
            body = http_ece.encrypt(
                _message(title, text, context, picture=self._with_picture), salt=os.urandom(16),
                private_key=ec.generate_private_key(ec.SECP256R1()), dh=self._device.key,
                auth_secret=self._device.secret, version="aes128gcm",
            )  # fmt: skip
        except ValueError:  # 65 bytes, and no point of the curve
            return DeliveryResult(ResultKind.GONE, "its key is none: add the device again"), report
        headers = self._headers(await self._outbox.push_key(), urgent=context["severity"] == Severity.HIGH)
        try:
            answer = await self._http.exchange("POST", self._endpoint, headers, body, most_bytes=_MOST_ANSWER_BYTES)
        except NoAnswerError as error:
            return error.result, report
        if answer.status in _GONE:
            return DeliveryResult(ResultKind.GONE, f"HTTP {answer.status}: the device has unsubscribed"), report
        return DeliveryResult.from_status(answer.status, answer.header(b"retry-after")), report

    async def close(self) -> None:
        await self._http.close()

    def _headers(self, key: ec.EllipticCurvePrivateKey, *, urgent: bool) -> dict[str, str]:
        parts = urlsplit(self._endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + _SIGNED_FOR_S, "sub": self._contact,
        }  # fmt: skip
        return {
            "content-type": "application/octet-stream", "content-encoding": "aes128gcm", "ttl": str(_KEPT_S),
            "urgency": "high" if urgent else "normal",
            "authorization": py_vapid.Vapid02(key).sign(claims)["Authorization"],
        }  # fmt: skip


def _message(title: str, text: str, context: dict[str, Any], *, picture: bool) -> bytes:
    """What the page's service worker reads: JSON, its text cut so that a push service takes it."""
    alerts = context["alerts"]
    fields = {
        "notice": context["notice"], "title": title, "text": text, "link": context["link"],
        "picture": context["picture"] if picture else None, "tag": alerts[0]["id"] if alerts else "test",
    }  # fmt: skip
    while len(data := json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()) > _MOST_BYTES:
        fields["text"] = fields["text"][: len(fields["text"]) // 2]
        if not fields["text"]:
            fields["title"] = fields["title"][:100]
    return data
