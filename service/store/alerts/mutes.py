"""Mutes: until when nothing is said about a camera, or about any."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable_by_id
from patchwatch.messages.alerts.mute import Mute


class MuteStore:
    """Reads and changes `keys.MUTES`. Raises `BusUnavailableError` when Redis is away."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def all(self, now_ms: int) -> list[Mute]:
        """Those that still last, by id."""
        with translated():
            stored = await self._bus.hgetall(keys.MUTES)
        return [mute for mute in readable_by_id(Mute.decode, stored, "mute").values() if mute.until_ms > now_ms]

    async def put(self, mute: Mute) -> None:
        """Begin it, in the place of an earlier one."""
        with translated():
            await self._bus.hset(keys.MUTES, mute.id, mute.encode())

    async def end(self, mute_id: str) -> None:
        """End it; without effect where there is none."""
        with translated():
            await self._bus.hdel(keys.MUTES, mute_id)
