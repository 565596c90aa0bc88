"""Sends messages to the receiver of one webhook."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from urllib.parse import unquote

import httpcore
import httpx

from patchwatch import __version__
from patchwatch.contract.errors import DestinationForbiddenError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.webhook import Webhook
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_network import GuardedNetwork
from workers.delivery.payload import signed_headers

_BODY_READ_BYTES = 64 * 1024  # the rest of an answer is not read: its status is all that matters


class HttpSender:
    """One connection at a time, kept between messages. Redirects and proxies are not followed.

    It uses httpcore rather than httpx, because only httpcore lets us guard the way to connect (`GuardedNetwork`).
    """

    def __init__(self, webhook: Webhook, settings: Settings, tls: ssl.SSLContext) -> None:
        self._webhook = webhook
        self._timeout_s = settings.webhook_timeout_s
        self._network = GuardedNetwork(settings.webhook_reach)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=30.0, network_backend=self._network
        )

    async def post(self, message_id: str, body: bytes) -> DeliveryResult:
        """One attempt, bounded in time. Raises nothing that a receiver can cause."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(message_id, body)
        except (TimeoutError, httpcore.TimeoutException):
            await self._network.drop()
            return DeliveryResult(ResultKind.AWAY, f"no answer within {self._timeout_s:g} s")
        except DestinationForbiddenError as error:
            return DeliveryResult(ResultKind.AWAY, str(error))
        except httpcore.ConnectError as error:
            return DeliveryResult(ResultKind.AWAY, _why(error))
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return DeliveryResult(ResultKind.AWAY, "the receiver closed the connection, or does not speak HTTP")
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol):
            return DeliveryResult(ResultKind.REJECTED, "the webhook's address is wrong")

    async def close(self) -> None:
        await self._pool.aclose()
        self._network.close()

    async def _post(self, message_id: str, body: bytes) -> DeliveryResult:
        url = httpx.URL(self._webhook.url)
        headers = [
            (b"content-type", b"application/json"),
            (b"user-agent", f"patchwatch/{__version__}".encode()),
            *signed_headers(self._webhook.signing_key(), message_id, int(time.time()), body),
        ]
        if url.userinfo:
            headers.append((b"authorization", b"Basic " + base64.b64encode(unquote(url.userinfo.decode()).encode())))
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        async with self._pool.stream(b"POST", target, headers=headers, content=body) as response:
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


def _why(error: httpcore.ConnectError) -> str:
    """The reason in our own words: those of the operating system hold addresses."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the receiver's certificate is not valid: {cause.verify_message.partition(',')[0]}"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused"
        cause = cause.__cause__ or cause.__context__
    return str(error) if str(error).startswith("the host's name") else "the receiver cannot be reached"
