"""Connections to hosts whose addresses are judged.

Addresses are checked at the moment of connecting, so that a name cannot resolve to another address after the check.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

Judge = Callable[[str, list[str]], list[str]]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, and connects to the resolved addresses that ``judge`` leaves of a host's.

    It raises `DestinationForbiddenError` where it leaves none. Names are resolved in a thread of its own: a name
    server that hangs holds up nobody else.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._inner = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None
        self._resolver = ThreadPoolExecutor(1, thread_name_prefix="resolver")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `DestinationForbiddenError`, `httpcore.ConnectError` or `httpcore.ConnectTimeout`."""
        refusal: httpcore.ConnectError | None = None
        for address in self._judge(host, await self._resolve(host, port)):
            try:
                self._stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                return self._stream
            except httpcore.ConnectError as error:
                refusal = error
        raise refusal or httpcore.ConnectError("no address")

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            addresses = await loop.run_in_executor(self._resolver, _addresses, host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the host's name does not resolve") from None
        return list(dict.fromkeys(addresses))

    async def drop(self) -> None:
        """Close the latest connection: httpcore leaves one open whose TLS handshake is cut off."""
        if self._stream is not None:
            await self._stream.aclose()

    def close(self) -> None:
        self._resolver.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
