"""A client of a WebSocket as the hub sees it: a filter and a bounded queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_TAKE_AT_ONCE = 16  # items


class Topic(StrEnum):
    """What a client can listen to."""

    ALERTS = "alerts"
    SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Item:
    """A stream entry as a message that is ready to be sent."""

    stream: str
    entry_id: str
    camera_id: str
    text: str


class Client:
    """Not thread-safe: lives on the event loop.

    A full queue drops its oldest score and counts it. Alerts are never dropped: a full queue sets ``overflowed``, so
    that the client is disconnected and resumes by id.
    """

    def __init__(
        self, topic: Topic, cameras: frozenset[str], limit: int, allowed: frozenset[str] | None = None
    ) -> None:
        """``cameras``: those that it asks for; none: all. ``allowed``: the only ones that it may see; None: all."""
        self.topic = topic
        self.overflowed = asyncio.Event()
        self._cameras = cameras
        self._allowed = allowed
        self._limit = limit
        self._items: deque[Item] = deque()
        self._dropped = 0
        # Items dropped while the client catches up: it may have received them from Redis. None once it has caught up.
        self._dropped_early: list[Item] | None = []
        self._waiting = asyncio.Event()

    def may_receive(self, camera_id: str) -> bool:
        """Whether it asked for the camera, and its user may see it. Every alert and score that is pushed is checked."""
        asked = not self._cameras or camera_id in self._cameras
        return asked and (self._allowed is None or camera_id in self._allowed)

    def offer(self, item: Item) -> None:
        """Queue an item if it passes the filter."""
        if not self.may_receive(item.camera_id) or self.overflowed.is_set():
            return
        if len(self._items) >= self._limit:
            if self.topic is Topic.ALERTS:
                self.overflowed.set()
                return
            self._drop(self._items.popleft())
        self._items.append(item)
        self._waiting.set()

    def _drop(self, item: Item) -> None:
        if self._dropped_early is None:
            self._dropped += 1
        else:
            self._dropped_early.append(item)

    def finish_catching_up(self, was_sent: Callable[[Item], bool]) -> None:
        """From now on the client gets items from this queue only. ``was_sent``: whether it has an item already."""
        self._dropped += sum(not was_sent(item) for item in self._dropped_early or ())
        self._dropped_early = None
        self._items = deque(item for item in self._items if not was_sent(item))

    async def take(self, timeout_s: float) -> tuple[int, list[Item]]:
        """The number of scores dropped since the last call, and the next items; none after ``timeout_s``."""
        if not self._items:
            self._waiting.clear()
            try:
                async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation before Python 3.12
                    await self._waiting.wait()
            except TimeoutError:
                return 0, []
        dropped, self._dropped = self._dropped, 0
        # Few at a time: items in the queue can still be dropped, those taken from it cannot.
        return dropped, [self._items.popleft() for _ in range(min(_TAKE_AT_ONCE, len(self._items)))]
