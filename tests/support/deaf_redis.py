"""A client of Redis whose calls lose every cancellation: redis-py's limit for an answer is over at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import redis
import redis.asyncio

from patchwatch.bus.connection import connect_async


class DeafRedis(redis.asyncio.Redis):
    """``calls``: how many were made. ``hold``: the next one is not answered, only cut off by its time limit."""

    calls = 0
    hold = False
    held: asyncio.Event
    limit_s = 0.5

    @classmethod
    def at(cls, url: str) -> DeafRedis:
        client = cast("DeafRedis", cls.from_pool(connect_async(url).connection_pool))  # declared as the base class
        client.held = asyncio.Event()
        return client

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        try:
            if self.hold and arguments[0] != "XREAD":
                self.hold = False
                self.held.set()
                await asyncio.sleep(self.limit_s)
                raise asyncio.CancelledError
            return await super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]  # of redis-py
        except asyncio.CancelledError:
            raise redis.TimeoutError("Timeout reading from localhost") from None
