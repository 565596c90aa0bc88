"""Sources that are tried before a camera is added: ingest workers open them, as only they read video."""

from __future__ import annotations

import uuid

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.messages.cameras.camera import Transport
from patchwatch.messages.cameras.source_test import DONE_WITHIN_S, START_WITHIN_S, SourceTestAnswer, SourceTestOrder
from service.store.banks.orders import OrderLimits, OrderList, OrderWords

_MAX_WAITING = 8
_WORDS = OrderWords(
    f"try again in a moment: {_MAX_WAITING} sources are being tried",
    "no ingest worker tried the source: is `patchwatch run ingest` running?",
    "the ingest worker did not say what came of it: try again",
)


class SourceTestStore:
    """Asks; no camera is added by it."""

    def __init__(self, bus: Redis) -> None:
        self._bus = bus
        self._clock = BusClock()
        self._orders = OrderList(bus, keys.SOURCE_TEST_ORDERS, keys.source_test_answer, SourceTestAnswer.decode)

    async def tried(self, source: str, transport: Transport, *, tls_verify: bool) -> SourceTestAnswer:
        """What came of opening a source. Raises `OverloadedError`, or `RetryableError` when no worker answered."""
        with translated():
            await self._clock.sync_async(self._bus)
        order = SourceTestOrder(
            token=uuid.uuid4().hex, source=source, transport=transport, tls_verify=tls_verify,
            asked_at_ms=self._clock.now_ms(),
        )  # fmt: skip
        limits = OrderLimits(_MAX_WAITING, START_WITHIN_S, DONE_WITHIN_S)
        return await self._orders.answered(order.token, order.encode(), limits, _WORDS)
