"""Explanations of alerts and of the frames scored last."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import required
from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.alerts.explanation import Explanation


class ExplanationStore:
    """Reads `keys.alert_explanation` and `CameraKeys.state`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def of_alert(self, alert_id: str) -> Explanation:
        """The explanation of the frame on the alert's picture. Raises `NotFoundError`."""
        with translated():
            data: bytes | None = await self._bus.get(keys.alert_explanation(alert_id))
        if data is None:
            raise NotFoundError(f"alert {alert_id!r} has no explanation: it was not kept, or its retention is over")
        return required(Explanation.decode, data, f"the explanation of alert {alert_id!r}")

    async def latest(self, camera_id: str) -> Explanation:
        """The explanation of a frame of a camera's last scored second. Raises `NotFoundError`."""
        with translated():
            data: bytes | None = await self._bus.hget(
                CameraKeys.for_camera(camera_id, self._partitions).state, "explanation"
            )
        if data is None:
            raise NotFoundError(
                f"no frame of camera {camera_id!r} has been scored yet: "
                f"see GET /api/v1/cameras/{camera_id}/status for the reason"
            )
        return required(Explanation.decode, data, f"the last explanation of camera {camera_id!r}")
