"""One wall clock for all processes: that of Redis, extrapolated by the monotonic clock of each process.

The clocks of other hosts, and when they are set, do not matter.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

_MS = 1_000_000
_SYNC_EVERY_NS = 1_000_000_000
_STEP_NS = 500_000_000  # a smaller change is network delay, or a clock being slewed


class BusClock:
    """Unix time by the clock of Redis. Until the first `sync` it is that of this host.

    A sync costs one TIME command, once a second at most. While Redis does not answer, the monotonic clock carries the
    time on. Any thread may read it.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, wall_ns: Callable[[], int] | None = None
    ) -> None:
        """``wall_ns``: this host's own clock."""
        self._monotonic_ns = monotonic_ns
        self._synced_ns: int | None = None
        self.offset_ns = (wall_ns or time.time_ns)() - monotonic_ns()  # wall clock minus monotonic clock

    def now_ns(self) -> int:
        return self._monotonic_ns() + self.offset_ns

    def now_ms(self) -> int:
        return self.now_ns() // _MS

    def sync(self, client: Any, *, force: bool = False) -> None:
        """Ask Redis by a blocking client, if a second has passed or ``force`` is set. Raises what the client raises."""
        if self._is_due(force):
            self.follow(client.time)

    def follow(self, ask: Callable[[], tuple[int, int] | None]) -> bool:
        """Follow the time that another command brings along: ``ask`` returns it as TIME does, or None. Returns whether
        it did. Raises what it raises."""
        asked_ns = self._monotonic_ns()
        answer = ask()
        if answer is not None:
            self._take(answer, asked_ns)
        return answer is not None

    async def sync_async(self, client: Any) -> None:
        """As `sync`, with an asyncio client."""
        if self._is_due(force=False):
            asked_ns = self._monotonic_ns()
            answer: Awaitable[tuple[int, int]] = client.time()
            self._take(await answer, asked_ns)

    def _is_due(self, force: bool) -> bool:
        return force or self._synced_ns is None or self._monotonic_ns() - self._synced_ns >= _SYNC_EVERY_NS

    def _take(self, answer: tuple[int, int], asked_ns: int) -> None:
        seconds, microseconds = answer
        answered_ns = self._monotonic_ns()
        uncertainty_ns = (answered_ns - asked_ns) // 2
        offset_ns = seconds * 1_000_000_000 + microseconds * 1000 - (asked_ns + uncertainty_ns)
        # A difference within the uncertainty of the network is no reason to let the time jitter.
        if self._synced_ns is None or abs(offset_ns - self.offset_ns) > uncertainty_ns:
            self.offset_ns = offset_ns
        self._synced_ns = answered_ns


def stepped(before_ns: int, after_ns: int) -> bool:
    """Whether the wall clock was set between two offsets, rather than slewed."""
    return abs(after_ns - before_ns) > _STEP_NS
