"""Sends messages to the receiver of one webhook."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from urllib.parse import unquote

import httpcore
import httpx

from patchwatch.contract.settings import Settings
from patchwatch.http_client.guarded_http import core_url, user_agent
from patchwatch.messages.alerts.webhook import Webhook
from workers.delivery.delivery_result import DeliveryResult
from workers.delivery.guarded_http import GuardedHttp, NoAnswerError
from workers.delivery.payload import signed_headers

_BODY_READ_BYTES = 64 * 1024  # the rest of an answer is not read: its status is all that matters


class HttpSender:
    """One connection at a time, kept between messages (`GuardedHttp`)."""

    def __init__(self, webhook: Webhook, settings: Settings, tls: ssl.SSLContext) -> None:
        self._webhook = webhook
        self._http = GuardedHttp(settings.webhook_reach, settings.webhook_timeout_s, tls)

    async def post(self, message_id: str, body: bytes) -> DeliveryResult:
        """One attempt, bounded in time. Raises nothing that a receiver can cause."""
        try:
            return await self._http.guarded(self._post(message_id, body))
        except NoAnswerError as error:
            return error.result

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, message_id: str, body: bytes) -> DeliveryResult:
        url = httpx.URL(self._webhook.url)
        headers = [
            (b"content-type", b"application/json"),
            (b"user-agent", user_agent()),
            *signed_headers(self._webhook.signing_key(), message_id, int(time.time()), body),
        ]
        if url.userinfo:
            headers.append((b"authorization", b"Basic " + base64.b64encode(unquote(url.userinfo.decode()).encode())))
        async with self._http.pool.stream(b"POST", core_url(url), headers=headers, content=body) as response:
            answer_headers = {name.lower(): value for name, value in response.headers}
            retry_after = answer_headers.get(b"retry-after", b"").decode("latin-1") or None
            await _read_some(response)
            return DeliveryResult.from_status(response.status, retry_after)


async def _read_some(response: httpcore.Response) -> None:
    """Drain the answer, so that the connection can be used again; one that is long, slow or broken costs it."""
    size = 0
    try:
        async with asyncio.timeout(1.0):
            async for chunk in response.aiter_stream():
                size += len(chunk)
                if size > _BODY_READ_BYTES:
                    return
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return
