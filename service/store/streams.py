"""Streams that are pushed to clients: where they end, what follows, and what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from patchwatch import keys
from patchwatch.bus import BLOCK_MS, translated
from patchwatch.keys import CameraKeys

Entry = tuple[bytes, dict[bytes, bytes]]
START = "0-0"


class StreamStore:
    """Reads `keys.ALERTS` and `CameraKeys.scores` as they grow."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    def scores(self, camera_id: str) -> str:
        return CameraKeys.of(camera_id, self._partitions).scores

    async def cameras_revision(self) -> int:
        with translated():
            return int(await self._bus.get(keys.CAMERAS_REVISION) or 0)

    async def ends(self, names: list[str]) -> dict[str, str]:
        """The id of each stream's last entry; `START` for an empty one."""
        with translated():
            async with self._bus.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xrevrange(name, count=1)
                answers: list[Any] = await pipe.execute() if names else []
        return {name: rows[0][0].decode() if rows else START for name, rows in zip(names, answers, strict=True)}

    async def follow(self, positions: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """What came after each position, waiting up to `BLOCK_MS`."""
        with translated():
            answer = await self._bus.xread(dict(positions), count=count, block=BLOCK_MS)
        return {name.decode(): entries for name, entries in answer or []}

    async def between(self, name: str, after: str, count: int) -> list[Entry]:
        """Entries after an id, in order."""
        with translated():
            return await self._bus.xrange(name, min=f"({after}", count=count) or []
