"""Publishers of one camera that wait for its capture to start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class WaitingPublishers:
    """The newest stays; an earlier one is cancelled."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Task[None]] = {}

    @contextmanager
    def newest(self, camera_id: str) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        if before := self._waiting.get(camera_id):
            before.cancel()
        self._waiting[camera_id] = task
        try:
            yield
        finally:
            if self._waiting.get(camera_id) is task:
                del self._waiting[camera_id]
