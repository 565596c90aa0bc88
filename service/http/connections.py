"""Connections that wait for their client: limited in time, per address and in total.

A client may open a connection and send nothing, send half a request, or request a large answer and not read it. Such
connections are closed after some seconds. When there are too many, the oldest are closed earlier, so a client that
sends its request at once is served however many others are idle.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from typing import Protocol

from patchwatch.contract.address_policy import network_of

log = logging.getLogger("patchwatch.service")


class Connection(Protocol, Hashable):
    """An asyncio protocol with its transport."""

    transport: asyncio.Transport
    client: tuple[str, int] | None


class WaitingConnections:
    """The waiting connections, oldest first. Not thread-safe: lives on the event loop.

    ``limit``: connections in total. One address may have half of them waiting.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_per_address = max(1, limit // 2)
        self._address_of: dict[Connection, str] = {}
        self._by_address: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._address_of)

    def add(self, connection: Connection, connected: int) -> None:
        """Count a connection as waiting from now on. ``connected``: how many connections there are in total.

        Beyond a limit, the connection that has waited longest is closed.
        """
        self.remove(connection)
        address = network_of(connection.client[0] if connection.client else "")
        self._address_of[connection] = address
        waiting = self._by_address.setdefault(address, {})
        waiting[connection] = None
        if len(waiting) > self._limit_per_address:
            self._close(next(iter(waiting)), "from one address")
        elif connected > self._limit:
            self._close(next(iter(self._address_of)), "in total")

    def leave_no_room(self, connected: int) -> bool:
        """Whether connections that do not wait are so many that no more are accepted. They are never closed to make
        room for others."""
        return connected - len(self) >= max(1, self._limit * 3 // 4)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that no longer waits, or is closed."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            waiting = self._by_address[address]
            del waiting[connection]
            if not waiting:
                del self._by_address[address]

    def _close(self, connection: Connection, where: str) -> None:
        log.warning("too many connections %s: the one that has waited longest is closed", where)
        self.remove(connection)
        connection.transport.abort()
