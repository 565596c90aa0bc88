"""Corrections of cameras' normal, beside the verdicts that make some of them."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.corrections import change_corrections_async, decoded, discard_unreadable
from patchwatch.bus.stored_records import readable
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.correction import CameraCorrections, Correction


class CorrectionStore:
    """Reads and changes `keys.CORRECTIONS`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def of(self, camera_id: str) -> CameraCorrections:
        """Raises `UnreadableRecordError`."""
        with translated():
            return decoded(camera_id, await self._bus.hget(keys.CORRECTIONS, camera_id))

    async def add(self, camera_id: str, correction: Correction) -> None:
        """Raises `NotFoundError` without the camera, and `ConflictError` when it has too many."""
        with translated():
            await change_corrections_async(self._bus, camera_id, lambda before: before.with_one(correction))

    async def undo(self, camera_id: str, correction_id: str, by: str, at_ms: int) -> Correction:
        """Raises `NotFoundError`, and `ConflictError` when it was undone before."""
        with translated():
            after = await change_corrections_async(
                self._bus, camera_id, lambda before: before.undone(correction_id, by, at_ms)
            )
        return next(one for one in after.corrections if one.id == correction_id)

    async def discard_unreadable(self, camera_id: str) -> None:
        """Give up corrections that cannot be read. Raises `NotFoundError`, and `ConflictError` for any others."""
        with translated():
            await discard_unreadable(self._bus, camera_id)

    async def remembered_from_ms(self, camera_id: str) -> int | None:
        """Since when something is remembered of the camera, Unix time; None where that is not known."""
        with translated():
            data = await self._bus.hget(keys.MEMORIES, camera_id)
        memory = readable(MemoryStatus.decode, data, f"the memory of camera {camera_id!r}")
        return None if memory is None or not memory.extent.stretches else memory.extent.from_ms
