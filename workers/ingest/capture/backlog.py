"""What of a camera's frames still waits for its analysis, as its capture process sees it."""

from __future__ import annotations

import time
from collections import deque

import redis

from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import BusUnavailableError
from workers.ingest.capture.adaptive_rate import LoadSample

LOOK_EVERY_S = 1.0


class Backlog:
    """Remembers when frames were published and asks, once a second, how far the analysis has come. One thread."""

    def __init__(self, client: redis.Redis, keys: CameraKeys, queue_frames: int) -> None:
        self._client = client
        self._keys = keys
        self._waiting: deque[tuple[int, float]] = deque(maxlen=queue_frames)  # (seq, monotonic seconds)
        self._committed: int | None = None
        self._due_s = 0.0

    def published(self, seq: int) -> None:
        self._waiting.append((seq, time.monotonic()))

    def look(self) -> LoadSample | None:
        """None when it is not time yet, or Redis does not answer."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return None
        self._due_s = now_s + LOOK_EVERY_S
        try:
            with translated():
                committed = int(self._client.hget(self._keys.state, "seq") or 0)
        except BusUnavailableError:
            return None
        while self._waiting and self._waiting[0][0] <= committed:
            self._waiting.popleft()
        decided = max(0, committed - self._committed) if self._committed is not None else 0
        self._committed = committed
        return LoadSample(now_s - self._waiting[0][1] if self._waiting else 0.0, decided)
