"""The streams that are pushed to clients: where they end, new entries, and missed entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.streams import Entry, StreamInfo, entry_order
from patchwatch.contract.bounds import counted

START = "0-0"


class StreamStore:
    """Reads `keys.ALERTS` and `CameraKeys.scores` as they grow."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    def scores(self, camera_id: str) -> str:
        return CameraKeys.for_camera(camera_id, self._partitions).scores

    async def cameras_revision(self) -> int:
        with translated():
            return counted(await self._bus.get(keys.CAMERAS_REVISION))

    async def ends(self, names: list[str]) -> dict[str, str]:
        """The id of the last entry of each stream; `START` for an empty one."""
        with translated():
            async with self._bus.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xrevrange(name, count=1)
                answers: list[Any] = await pipe.execute() if names else []
        return {name: rows[0][0].decode() if rows else START for name, rows in zip(names, answers, strict=True)}

    async def follow(self, positions: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """The entries after each position; waits up to `BLOCK_MS` for some."""
        with translated():
            answer = await self._bus.xread(dict(positions), count=count, block=BLOCK_MS)
        return {name.decode(): entries for name, entries in answer or []}

    async def incomplete(self, positions: Mapping[str, str]) -> list[str]:
        """Streams that may have lost entries after the position, because they were trimmed or created again."""
        with translated():
            async with self._bus.pipeline(transaction=False) as pipe:
                for name in positions:
                    pipe.xinfo_stream(name)
                answers: list[Any] = await pipe.execute(raise_on_error=False) if positions else []
            infos = [StreamInfo.from_answer(answer) for answer in answers]
        return [name for name, info in zip(positions, infos, strict=True) if _lost_after(positions[name], info)]

    async def between(self, name: str, after: str, count: int) -> list[Entry]:
        """The entries after an id, in order."""
        with translated():
            return await self._bus.xrange(name, min=f"({after}", count=count) or []


def _lost_after(position: str, info: StreamInfo | None) -> bool:
    """``info``: None for a stream that does not exist. A client at `START` has missed nothing."""
    if position == START:
        return False
    if info is None:
        return True
    after, last = entry_order(position), entry_order(info.last_id)
    trimmed = info.added > info.length
    first = entry_order(info.first_entry[0].decode()) if info.first_entry else last
    return last < after or (trimmed and after < first)
