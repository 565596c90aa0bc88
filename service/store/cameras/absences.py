"""What is known of cameras that watch for absence."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.cameras.activity import Absence, decoded_weeks


class AbsenceStore:
    """Reads `keys.ABSENCES`, which an enrolment worker writes, and `CameraKeys.activity`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def of(self, camera_id: str) -> Absence | None:
        """None where nothing was judged yet."""
        with translated():
            data = await self._bus.hget(keys.ABSENCES, camera_id)
        return readable(Absence.decode, data, f"the absence of camera {camera_id!r}")

    async def weeks(self, camera_id: str) -> dict[int, bytes]:
        """The activity of each week, by its number."""
        with translated():
            return decoded_weeks(await self._bus.hgetall(CameraKeys.for_camera(camera_id, self._partitions).activity))
