"""Connections that have not proved their right yet: bounded in number, and strangers cannot keep others out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from patchwatch.contract.address_policy import network_of

MAX_PENDING = 64
_PER_PEER = 16


class PendingConnections:
    """The newest gets in: when the room is taken, the oldest connection of the peer that holds the most goes.

    A camera needs a moment to prove its right, so it is through before its turn to go comes.
    """

    def __init__(self, most: int = MAX_PENDING, per_peer: int = _PER_PEER) -> None:
        self._most = most
        self._per_peer = per_peer
        self._by_peer: dict[str, dict[object, Callable[[], None]]] = {}

    def enter(self, host: str, connection: object, turn_away: Callable[[], None]) -> None:
        """Take a connection in; ``turn_away`` is called if it has to go for a newer one."""
        peer = self._by_peer.setdefault(network_of(host), {})
        peer[connection] = turn_away
        if len(peer) > self._per_peer:
            self._turn_away_oldest_of(network_of(host))
        elif len(self) > self._most:
            self._turn_away_oldest_of(max(self._by_peer, key=lambda name: len(self._by_peer[name])))

    def leave(self, host: str, connection: object) -> None:
        """It has proved its right, or is gone."""
        peer = self._by_peer.get(network_of(host), {})
        peer.pop(connection, None)
        if not peer:
            self._by_peer.pop(network_of(host), None)

    def __len__(self) -> int:
        return sum(map(len, self._by_peer.values()))

    def _turn_away_oldest_of(self, network: str) -> None:
        peer = self._by_peer[network]
        turn_away = peer.pop(next(iter(peer)))
        if not peer:
            del self._by_peer[network]
        turn_away()


class Wait:
    """One connection's wait in the room: bounded in time, and ``turn_away`` is told why it is over too soon."""

    def __init__(self, room: PendingConnections, host: str, within_s: float, turn_away: Callable[[str], None]) -> None:
        self._room = room
        self._host = host
        self._within_s = within_s
        self._turn_away = turn_away
        self._late: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.end()
        late = f"nothing was published within {self._within_s:g} s"
        self._late = asyncio.get_running_loop().call_later(self._within_s, self._turn_away, late)
        self._room.enter(self._host, self, lambda: self._turn_away("too many connections wait"))

    def end(self) -> None:
        """It has proved its right, or is gone."""
        if self._late is not None:
            self._late.cancel()
        self._late = None
        self._room.leave(self._host, self)
