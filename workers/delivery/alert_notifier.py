"""Rings when an alert was written: one blocking read for all webhooks."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.contract.errors import BusUnavailableError

log = logging.getLogger("patchwatch.delivery")


class AlertNotifier:
    """Take `next` before looking, so that what comes meanwhile rings it."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client: Any = client
        self._ringing = asyncio.Event()
        self._stopping = False

    @property
    def next(self) -> asyncio.Event:
        """Set when something came after this call."""
        return self._ringing

    async def watch(self) -> None:
        """Until `stop`, which a cancellation hastens. Survives a lost Redis; others say that it is lost."""
        position = "$"
        while not self._stopping:
            try:
                with translated():
                    answer = await self._client.xread({keys.ALERTS: position}, count=1000, block=BLOCK_MS)
            except (BusUnavailableError, redis.ResponseError):
                position = "$"
                await asyncio.sleep(0.5)
                self._ring()
                continue
            if answer:
                position = answer[0][1][-1][0]
                self._ring()

    def stop(self) -> None:
        """Let `watch` end with its present read."""
        self._stopping = True

    def _ring(self) -> None:
        ringing, self._ringing = self._ringing, asyncio.Event()
        ringing.set()
