"""Banks in the shadow of active ones: what they would have alerted of, and how their scoring goes."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import ALERT_FIELD
from patchwatch.messages.cameras.shadow import MAX_SHADOW_ENTRIES, BankShadow, ShadowStatus


class ShadowStore:
    """Reads `CameraKeys.shadow`, and the field ``shadow`` of `CameraKeys.state`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def status(self, camera_id: str, shadow: BankShadow) -> ShadowStatus | None:
        """None while the inference worker has not scored a frame with it."""
        with translated():
            record = await self._bus.hget(self._keys(camera_id).state, "shadow")
        status = readable(ShadowStatus.decode, record, f"the shadow of camera {camera_id!r}")
        asked = status is not None and (status.bank_id, status.since_ms) == (shadow.bank_id, shadow.since_ms)
        return status if asked else None

    async def alerts(self, camera_id: str, shadow: BankShadow) -> list[Alert]:
        """Each as it was last, oldest first."""
        with translated():
            entries = await self._bus.xrevrange(self._keys(camera_id).shadow, count=MAX_SHADOW_ENTRIES)
        alerts: dict[str, Alert] = {}
        for _, fields in reversed(entries):
            alert = readable(Alert.decode, fields.get(ALERT_FIELD), f"a shadow alert of camera {camera_id!r}")
            if alert is not None and alert.bank_id == shadow.bank_id and alert.opened_at_ms >= shadow.since_ms:
                alerts[alert.id] = alert
        return list(alerts.values())

    def _keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self._partitions)
