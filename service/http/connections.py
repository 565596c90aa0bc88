"""Connections on which the next move is the client's: bounded in time, by address and in all.

A client may open a connection and say nothing, half a request, or fetch a large answer and not read it. Such
connections are closed after some seconds, and earlier, the oldest first, where they are too many: whoever speaks
as soon as he is connected is served however many others are silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from typing import Protocol

from patchwatch.contract.address_policy import network_of

log = logging.getLogger("patchwatch.service")


class Connection(Protocol, Hashable):
    """A protocol of asyncio's."""

    transport: asyncio.Transport
    client: tuple[str, int] | None


class WaitingConnections:
    """Those that wait for their client, in the order in which they began to. Lives on the event loop.

    ``most``: connections in all, of which one address may keep half waiting.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_per_address = max(1, most // 2)
        self._address_of: dict[Connection, str] = {}
        self._of_address: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._address_of)

    def add(self, connection: Connection, connected: int) -> None:
        """From now on it waits. ``connected`` counts all connections; beyond the limits the oldest that waits goes."""
        self.remove(connection)
        address = network_of(connection.client[0] if connection.client else "")
        self._address_of[connection] = address
        neighbours = self._of_address.setdefault(address, {})
        neighbours[connection] = None
        if len(neighbours) > self._most_per_address:
            self._close(next(iter(neighbours)), "from one address")
        elif connected > self._most:
            self._close(next(iter(self._address_of)), "in all")

    def leave_no_room(self, connected: int) -> bool:
        """Whether those that do not wait, which are never closed for others, are so many that no more are taken."""
        return connected - len(self) >= max(1, self._most * 3 // 4)

    def remove(self, connection: Connection) -> None:
        """It waits no longer, or is gone."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            neighbours = self._of_address[address]
            del neighbours[connection]
            if not neighbours:
                del self._of_address[address]

    def _close(self, connection: Connection, where: str) -> None:
        log.warning("too many connections %s: the one that was silent longest is closed", where)
        self.remove(connection)
        connection.transport.abort()
