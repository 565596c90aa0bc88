"""Clients: slow ones, and ones that vanish without a word."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from fault import Fault
from tcp_proxy import TcpProxy
from waiting import wait_until
from websockets.sync.client import connect

CLIENTS = 10


def test_clients_that_never_read_hold_up_nobody(site: Any, fault: Fault) -> None:
    def ignore() -> None:
        with ExitStack() as stack:
            for topic in ("alerts", "scores") * (CLIENTS // 2):
                stack.enter_context(_deaf_client(site, topic))
            wait_until(lambda: _clients(site) >= CLIENTS)
            assert site.alert_of_gate()  # another client hears of it in time
            fault.until_age(5.0)

    fault.strike(ignore, hits=[])


def test_clients_that_vanish_are_forgotten(site: Any, fault: Fault) -> None:
    before = _clients(site)
    proxy = TcpProxy(site.installation.settings.port)
    url = f"ws://127.0.0.1:{proxy.port}/api/v1/ws/scores"
    try:
        with ExitStack() as stack:
            for _ in range(CLIENTS):
                stack.enter_context(connect(url, close_timeout=0))
            wait_until(lambda: _clients(site) == before + CLIENTS)
            cut_s = time.time()
            proxy.cut(refuse=True)
            wait_until(lambda: _clients(site) == before)
            fault.enter(
                f"`patchwatch_websocket_clients` falls from {before + CLIENTS} to {before}", time.time() - cut_s
            )
    finally:
        proxy.close()


@contextmanager
def _deaf_client(site: Any, topic: str) -> Iterator[None]:
    """Asks for a WebSocket and reads no byte of it."""
    host, port = urlsplit(site.installation.base).netloc.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(
            f"GET /api/v1/ws/{topic} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        yield


def _clients(site: Any) -> int:
    text = site.installation.http.get("/metrics").raise_for_status().text
    return round(sum(float(count) for count in re.findall(r"^patchwatch_websocket_clients\{.*\} (\S+)$", text, re.M)))
