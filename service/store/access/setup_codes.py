"""Set-up codes: whoever has one of them may make the first user."""

from __future__ import annotations

import secrets
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.messages.access.api_token import digest
from service.store.access.damage import closed_when_damaged

LASTS_S = 3600
_MOST = 10  # one per start of the service; the oldest go


class SetupCodeStore:
    """Reads and changes `keys.SETUP_CODES`. Raises `BusUnavailableError`, `DamagedError`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def create(self, now_ms: int) -> str:
        """A new code, which is valid for an hour."""
        code = secrets.token_urlsafe(24)
        with closed_when_damaged():
            kept = await self._bus.zrangebyscore(keys.SETUP_CODES, now_ms, "+inf")
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(keys.SETUP_CODES, "-inf", now_ms)
                for oldest in kept[: max(0, len(kept) + 1 - _MOST)]:
                    pipe.zrem(keys.SETUP_CODES, oldest)
                pipe.zadd(keys.SETUP_CODES, {digest(code): now_ms + 1000 * LASTS_S})
                await pipe.execute()
        return code

    async def valid(self, code: str, now_ms: int) -> bool:
        with closed_when_damaged():
            known = await self._bus.zrangebyscore(keys.SETUP_CODES, f"({now_ms}", "+inf")
        return digest(code).encode() in known

    async def waiting(self, now_ms: int) -> bool:
        """Whether there is a code that could be used."""
        with closed_when_damaged():
            return bool(await self._bus.zrangebyscore(keys.SETUP_CODES, f"({now_ms}", "+inf"))

    async def void(self) -> None:
        """All of them: there is a user."""
        with closed_when_damaged():
            await self._bus.delete(keys.SETUP_CODES)
