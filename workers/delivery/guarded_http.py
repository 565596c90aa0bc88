"""HTTP to addresses that users or settings name: judged at each connection, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import httpcore
import httpx

from patchwatch import __version__
from patchwatch.contract.errors import DestinationForbiddenError, RetryableError
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_network import GuardedNetwork

Headers = Sequence[tuple[bytes, bytes]]
T = TypeVar("T")


class NoAnswerError(RetryableError):
    """There is no answer, or none that can be read. ``result``: what that means for a delivery."""

    def __init__(self, result: DeliveryResult) -> None:
        super().__init__(result.reason)
        self.result = result


@dataclass(frozen=True)
class HttpAnswer:
    """``body`` is whole. Names of ``headers`` are in small letters."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> str | None:
        """The first of this name."""
        return next((value.decode("latin-1") for known, value in self.headers if known == name), None)


class GuardedHttp:
    """One connection at a time, kept between requests. Redirects and proxies are not followed.

    It uses httpcore rather than httpx, because only httpcore lets us guard the way to connect (`GuardedNetwork`).
    """

    def __init__(self, reach: str, timeout_s: float, tls: ssl.SSLContext) -> None:
        self._timeout_s = timeout_s
        self._network = GuardedNetwork(reach)
        self.pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=30.0, network_backend=self._network
        )

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"", *, most_bytes: int
    ) -> HttpAnswer:
        """One request and its answer. Raises `NoAnswerError`, also for an answer that is longer than ``most_bytes``."""
        return await self.guarded(self._exchange(method, url, headers, content, most_bytes))

    async def guarded(self, request: Awaitable[T]) -> T:
        """What comes of a request over `pool`, within the time. Raises `NoAnswerError` with a reason that holds no
        address."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await request
        except (TimeoutError, httpcore.TimeoutException):
            await self._network.drop()
            result = DeliveryResult(ResultKind.AWAY, f"no answer within {self._timeout_s:g} s")
        except DestinationForbiddenError as error:
            result = DeliveryResult(ResultKind.AWAY, str(error))
        except httpcore.ConnectError as error:
            result = DeliveryResult(ResultKind.AWAY, _why(error))
        except (httpcore.NetworkError, httpcore.ProtocolError):
            result = DeliveryResult(ResultKind.AWAY, "the receiver closed the connection, or does not speak HTTP")
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol):
            result = DeliveryResult(ResultKind.REJECTED, "the address is wrong")
        raise NoAnswerError(result) from None

    async def close(self) -> None:
        await self.pool.aclose()
        self._network.close()

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, most_bytes: int
    ) -> HttpAnswer:
        target = core_url(httpx.URL(url))
        fields = [(b"user-agent", user_agent()), *((name.encode(), text.encode()) for name, text in headers.items())]
        body = bytearray()
        async with self.pool.stream(method, target, headers=fields, content=content) as response:
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > most_bytes:
                    result = DeliveryResult(ResultKind.FAILED, f"an answer of more than {most_bytes} bytes")
                    raise NoAnswerError(result)
            known = [(name.lower(), value) for name, value in response.headers]
            return HttpAnswer(response.status, known, bytes(body))


def user_agent() -> bytes:
    """What we call ourselves."""
    return f"patchwatch/{__version__}".encode()


def core_url(url: httpx.URL) -> httpcore.URL:
    """The same without user and password, which go into a header of their own."""
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


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
