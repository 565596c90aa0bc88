"""Wakes the delivery loops when an alert was written: one blocking read for all webhooks."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.contract.errors import BusUnavailableError

_RETRY_S = 0.5  # while Redis is away


class AlertNotifier:
    """Take `next` before reading the stream of alerts: an alert that is written meanwhile then sets it."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client: Any = client
        self._event = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Set once an alert is written after this call."""
        return self._event

    async def run(self) -> None:
        """Read until `stop`, which a cancellation hastens. Survives a lost Redis; the worker logs that it is lost."""
        position = "$"
        while not self._stopping.is_set():
            try:
                with translated():
                    answer = await self._client.xread({keys.ALERTS: position}, count=1000, block=BLOCK_MS)
            except (BusUnavailableError, redis.ResponseError):
                position = "$"
                await asyncio.sleep(_RETRY_S)
                self._notify()
                continue
            if answer:
                position = answer[0][1][-1][0]
                self._notify()

    def stop(self) -> None:
        """Let `run` end with the read that is in progress."""
        self._stopping.set()

    def _notify(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()
