"""One client of a WebSocket, as the hub sees it: a filter and a bounded queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    ALERTS = "alerts"
    SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a stream, ready to be sent."""

    stream: str
    entry_id: str
    camera_id: str
    text: str


class Client:
    """Not thread-safe: lives on the event loop.

    A full queue loses its oldest score, and counts it. Alerts are never lost: a full queue sets ``overflowed``, and
    the client is sent away to resume by id.
    """

    def __init__(self, topic: Topic, cameras: frozenset[str], limit: int) -> None:
        self.topic = topic
        self.overflowed = asyncio.Event()
        self._cameras = cameras
        self._limit = limit
        self._items: deque[Item] = deque()
        self._dropped = 0
        self._uncertain: list[Item] | None = []  # dropped while catching up: perhaps sent on the other way
        self._waiting = asyncio.Event()

    def wants(self, camera_id: str) -> bool:
        return not self._cameras or camera_id in self._cameras

    def offer(self, item: Item) -> None:
        """Queue an item if it passes the filter."""
        if not self.wants(item.camera_id) or self.overflowed.is_set():
            return
        if len(self._items) >= self._limit:
            if self.topic is Topic.ALERTS:
                self.overflowed.set()
                return
            self._drop(self._items.popleft())
        self._items.append(item)
        self._waiting.set()

    def _drop(self, item: Item) -> None:
        if self._uncertain is None:
            self._dropped += 1
        else:
            self._uncertain.append(item)

    def caught_up(self, sent: Callable[[Item], bool]) -> None:
        """From now on the client gets entries from here only; ``sent`` tells which ones it has already."""
        self._dropped += sum(not sent(item) for item in self._uncertain or ())
        self._uncertain = None
        self._items = deque(item for item in self._items if not sent(item))

    async def take(self, timeout_s: float) -> tuple[int, list[Item]]:
        """How many were lost since the last time, and the next items; none when the time is over."""
        if not self._items:
            self._waiting.clear()
            try:
                async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation before Python 3.12
                    await self._waiting.wait()
            except TimeoutError:
                return 0, []
        dropped, self._dropped = self._dropped, 0
        # Few at a time: what waits in the queue can still be thinned, what was taken cannot.
        return dropped, [self._items.popleft() for _ in range(min(16, len(self._items)))]
