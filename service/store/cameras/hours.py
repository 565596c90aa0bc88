"""What days of a camera are judged by: its summed-up hours, whether it drifts, and the corrections of its normal."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.cameras.correction import CameraCorrections
from patchwatch.messages.cameras.drift import Drift
from patchwatch.messages.cameras.quiet_hour import HOURS_KEPT, QuietHour


class HourStore:
    """Reads `CameraKeys.hours` and `keys.DRIFTS`, which an enrolment worker writes, and `keys.CORRECTIONS`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def between(self, camera_id: str, from_ms: int, to_ms: int) -> list[QuietHour]:
        """Those that began within a period, oldest first."""
        name = CameraKeys.for_camera(camera_id, self._partitions).hours
        with translated():
            entries = await self._bus.xrange(name, min=from_ms, max=to_ms, count=HOURS_KEPT)
        hours = [readable(QuietHour.from_fields, fields, f"hour {entry_id!r}") for entry_id, fields in entries]
        return [hour for hour in hours if hour is not None]

    async def drift(self, camera_id: str) -> Drift:
        """Empty where nothing was judged yet."""
        with translated():
            data = await self._bus.hget(keys.DRIFTS, camera_id)
        return readable(Drift.decode, data, f"the drift of camera {camera_id!r}") or Drift(camera_id=camera_id)

    async def corrections_in_force(self, camera_id: str) -> int | None:
        """How many corrections change what counts as normal; None where what is stored cannot be read."""
        with translated():
            data = await self._bus.hget(keys.CORRECTIONS, camera_id)
        found = readable(CameraCorrections.decode, data, f"the corrections of camera {camera_id!r}")
        if found is None:
            return 0 if data is None else None
        return sum(correction.in_force for correction in found.corrections)
