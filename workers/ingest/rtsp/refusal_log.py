"""Refusals in the log: one line when they begin, one when they are over, however many there were."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from patchwatch.contract.address_policy import network_of

_BURST_S = 60.0
_PEERS = 32  # that have lines of their own at a time
_OTHERS = "other addresses"
log = logging.getLogger("patchwatch.ingest")


@dataclass
class _Burst:
    more: int
    last: str
    over: asyncio.TimerHandle


class RefusalLog:
    """Needs a running loop."""

    def __init__(self, burst_s: float = _BURST_S) -> None:
        self._burst_s = burst_s
        self._bursts: dict[str, _Burst] = {}

    def note(self, host: str, why: str) -> None:
        """A publisher was refused. ``why`` is fit for a log line."""
        peer = network_of(host)
        if peer not in self._bursts and len(self._bursts) >= _PEERS:
            peer = _OTHERS
        if burst := self._bursts.get(peer):
            burst.more += 1
            burst.last = why
            return
        log.info("a publisher at %s was refused: %s", peer if peer == _OTHERS else host, why)
        timer = asyncio.get_running_loop().call_later(self._burst_s, self._over, peer)
        self._bursts[peer] = _Burst(0, why, timer)

    def close(self) -> None:
        """Say what has not been said yet."""
        for peer, burst in list(self._bursts.items()):
            burst.over.cancel()
            self._over(peer)

    def _over(self, peer: str) -> None:
        burst = self._bursts.pop(peer)
        if burst.more:
            log.info(
                "publishers at %s were refused %d more times within %g s, the last: %s",
                peer, burst.more, self._burst_s, burst.last,
            )  # fmt: skip
