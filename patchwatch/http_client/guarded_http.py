"""Requests over connections that are judged, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import httpcore
import httpx

from patchwatch import __version__
from patchwatch.contract.errors import DestinationForbiddenError, RetryableError
from patchwatch.http_client.guarded_network import GuardedNetwork, Judge

Headers = Sequence[tuple[bytes, bytes]]
T = TypeVar("T")


class Fault(StrEnum):
    """Why a request has no answer."""

    AWAY = "away"  # nobody answers in time, or not by HTTP
    TOO_LONG = "too long"  # the answer
    BAD_ADDRESS = "bad address"  # no request can be made to it


class UnansweredError(RetryableError):
    """There is no answer, or none that can be read. The message holds no address."""

    def __init__(self, reason: str, fault: Fault) -> None:
        super().__init__(reason)
        self.fault = fault


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

    def __init__(self, judge: Judge, timeout_s: float, tls: ssl.SSLContext) -> None:
        self._timeout_s = timeout_s
        self._network = GuardedNetwork(judge)
        self.pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=30.0, network_backend=self._network
        )

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"", *, most_bytes: int
    ) -> HttpAnswer:
        """One request and its answer. Raises `UnansweredError`, also for an answer longer than ``most_bytes``."""
        return await self.guarded(self._exchange(method, url, headers, content, most_bytes))

    async def guarded(self, request: Awaitable[T]) -> T:
        """What comes of a request over `pool`, within the time. Raises `UnansweredError`."""
        fault = Fault.AWAY
        try:
            async with asyncio.timeout(self._timeout_s):
                return await request
        except (TimeoutError, httpcore.TimeoutException):
            await self._network.drop()
            reason = f"no answer within {self._timeout_s:g} s"
        except DestinationForbiddenError as error:
            reason = str(error)
        except httpcore.ConnectError as error:
            reason = _why(error)
        except (httpcore.NetworkError, httpcore.ProtocolError):
            reason = "the receiver closed the connection, or does not speak HTTP"
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol):
            reason, fault = "the address is wrong", Fault.BAD_ADDRESS
        raise UnansweredError(reason, fault) from None

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
                    raise UnansweredError(f"an answer of more than {most_bytes} bytes", Fault.TOO_LONG)
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
