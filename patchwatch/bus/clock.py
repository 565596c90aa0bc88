"""One wall clock for all processes: Redis' own, carried on by each process's monotonic clock.

What a host's clock says, and when it is set, then matters on one host alone: that of Redis.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

_MS = 1_000_000
_LOOK_EVERY_NS = 1_000_000_000
_STEP_NS = 500_000_000  # a change of less is the network's, or a clock being slewed


class BusClock:
    """Unix time as Redis has it, between looks by the monotonic clock. Until the first look, this host's own.

    A look costs one TIME, once a second at most; while Redis does not answer the time goes on. Any thread may read.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, wall_ns: Callable[[], int] | None = None
    ) -> None:
        """``wall_ns``: this host's own clock."""
        self._monotonic_ns = monotonic_ns
        self._looked_ns: int | None = None
        self.offset_ns = (wall_ns or time.time_ns)() - monotonic_ns()  # wall minus monotonic

    def now_ns(self) -> int:
        return self._monotonic_ns() + self.offset_ns

    def now_ms(self) -> int:
        return self.now_ns() // _MS

    def sync(self, client: Any, *, anew: bool = False) -> None:
        """Ask a blocking client, if it is time to (or ``anew``). Raises what the client raises."""
        if self._is_due(anew):
            asked_ns = self._monotonic_ns()
            self._take(client.time(), asked_ns)

    async def sync_async(self, client: Any) -> None:
        """As `look`, with an asyncio client."""
        if self._is_due(anew=False):
            asked_ns = self._monotonic_ns()
            answer: Awaitable[tuple[int, int]] = client.time()
            self._take(await answer, asked_ns)

    def _is_due(self, anew: bool) -> bool:
        return anew or self._looked_ns is None or self._monotonic_ns() - self._looked_ns >= _LOOK_EVERY_NS

    def _take(self, answer: tuple[int, int], asked_ns: int) -> None:
        seconds, microseconds = answer
        answered_ns = self._monotonic_ns()
        doubt_ns = (answered_ns - asked_ns) // 2
        offset_ns = seconds * 1_000_000_000 + microseconds * 1000 - (asked_ns + doubt_ns)
        # Within what the network makes doubtful the time before is as good, and does not jitter.
        if self._looked_ns is None or abs(offset_ns - self.offset_ns) > doubt_ns:
            self.offset_ns = offset_ns
        self._looked_ns = answered_ns


def stepped(before_ns: int, after_ns: int) -> bool:
    """Whether between two of its offsets the wall clock was set, rather than slewed."""
    return abs(after_ns - before_ns) > _STEP_NS
