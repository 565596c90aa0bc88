"""Refused publishers: the response that says why, and their lines in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from patchwatch.contract.address_policy import network_of
from patchwatch.messages.cameras.capture_status import Reason

_BURST_S = 60.0
_PEERS = 32  # At most so many peers have log lines of their own at a time.
_OTHERS = "other addresses"
log = logging.getLogger("patchwatch.ingest")


class Refusal(Exception):
    """The response to a refused request: ``status`` with a text that publishers show to their user.

    ``closes``: the connection ends after it. ``reason``: shown in the status of the camera ``camera_id``.
    """

    def __init__(
        self, status: int, why: str, *, headers: Sequence[tuple[str, str]] = (), closes: bool = True,
        reason: Reason | None = None, camera_id: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(why)
        self.status = status
        self.headers = headers
        self.closes = closes
        self.cseq = 0
        self.reason = reason
        self.camera_id = camera_id


@dataclass
class _Burst:
    more: int
    last: str
    timer: asyncio.TimerHandle


class RefusalLog:
    """Logs one line when a peer's refusals begin and one when they end, however many there were.

    Needs a running event loop.
    """

    def __init__(self, burst_s: float = _BURST_S) -> None:
        self._burst_s = burst_s
        self._bursts: dict[str, _Burst] = {}

    def record(self, host: str, why: str) -> None:
        """A publisher was refused. ``why`` must be safe for a log line."""
        peer = network_of(host)
        if peer not in self._bursts and len(self._bursts) >= _PEERS:
            peer = _OTHERS
        if burst := self._bursts.get(peer):
            burst.more += 1
            burst.last = why
            return
        log.info("a publisher at %s was refused: %s", peer if peer == _OTHERS else host, why)
        timer = asyncio.get_running_loop().call_later(self._burst_s, self._end_burst, peer)
        self._bursts[peer] = _Burst(0, why, timer)

    def close(self) -> None:
        """Log the summaries that are still due."""
        for peer, burst in list(self._bursts.items()):
            burst.timer.cancel()
            self._end_burst(peer)

    def _end_burst(self, peer: str) -> None:
        burst = self._bursts.pop(peer)
        if burst.more:
            log.info(
                "publishers at %s were refused %d more times within %g s, the last: %s",
                peer, burst.more, self._burst_s, burst.last,
            )  # fmt: skip
