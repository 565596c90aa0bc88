"""Connections that have not authenticated yet: bounded in number, and strangers cannot keep others out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from patchwatch.contract.address_policy import network_of

MAX_PENDING = 64
_PER_PEER = 16


class PendingConnections:
    """The newest is always accepted: beyond the limit, the oldest connection of the peer that holds the most is closed.

    A camera authenticates within a moment, long before its connection is the oldest.
    """

    def __init__(self, most: int = MAX_PENDING, per_peer: int = _PER_PEER) -> None:
        self._most = most
        self._per_peer = per_peer
        self._by_peer: dict[str, dict[object, Callable[[], None]]] = {}

    def add(self, host: str, connection: object, on_evicted: Callable[[], None]) -> None:
        """``on_evicted`` is called if the connection has to make room for a newer one."""
        peer = self._by_peer.setdefault(network_of(host), {})
        peer[connection] = on_evicted
        if len(peer) > self._per_peer:
            self._evict_oldest_of(network_of(host))
        elif len(self) > self._most:
            self._evict_oldest_of(max(self._by_peer, key=lambda name: len(self._by_peer[name])))

    def remove(self, host: str, connection: object) -> None:
        """It has authenticated, or is gone."""
        peer = self._by_peer.get(network_of(host), {})
        peer.pop(connection, None)
        if not peer:
            self._by_peer.pop(network_of(host), None)

    def __len__(self) -> int:
        return sum(map(len, self._by_peer.values()))

    def _evict_oldest_of(self, network: str) -> None:
        peer = self._by_peer[network]
        on_evicted = peer.pop(next(iter(peer)))
        if not peer:
            del self._by_peer[network]
        on_evicted()


class PendingConnection:
    """One connection's time among the `PendingConnections`, which is limited. ``reject`` receives the reason when it
    is evicted or out of time."""

    def __init__(self, pending: PendingConnections, host: str, within_s: float, reject: Callable[[str], None]) -> None:
        self._pending = pending
        self._host = host
        self._within_s = within_s
        self._reject = reject
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.end()
        late = f"nothing was published within {self._within_s:g} s"
        self._timer = asyncio.get_running_loop().call_later(self._within_s, self._reject, late)
        self._pending.add(self._host, self, lambda: self._reject("too many connections wait"))

    def end(self) -> None:
        """It has authenticated, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._pending.remove(self._host, self)
