"""What is said over MQTT: its place in the stream of alerts, and what it reads of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.bus.streams import stream_info_async
from patchwatch.contract.bounds import counted
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from patchwatch.messages.alerts.mute import LONGEST_MUTE_MS, Mute
from patchwatch.messages.alerts.verdict import ALERT_FIELD, tells_of_alert
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Score
from workers.delivery.receiver_outbox import ReceiverOutbox
from workers.runtime.leases import Lease

_CAMERAS_AT_ONCE = 100


@dataclass(frozen=True)
class Broker:
    """The only receiver of its sort: where it is, the settings say."""

    id: str = "broker"
    incarnation: str = ""
    enabled: bool = True

    @classmethod
    def decode(cls, data: bytes | str) -> Self:
        return cls()


@dataclass(frozen=True)
class _Names:
    """Its keys. Nobody asks it for tests."""

    progress: str = keys.MQTT_PROGRESS
    asked: str = ""

    def answer(self, token: str) -> str:
        return ""


class MqttOutbox(ReceiverOutbox[Broker, MqttProgress]):
    """Reads and writes `keys.MQTT_PROGRESS`. Raises as `ReceiverOutbox`."""

    noun = "MQTT"
    configured_in = keys.CAMERAS
    page = 200

    def __init__(self, client: redis.asyncio.Redis, lease: Lease, partitions: int) -> None:
        super().__init__(client, Broker(), lease, _Names(), MqttProgress())
        self._partitions = partitions
        self._cameras: dict[str, Camera] = {}
        self._cameras_revision: int | None = None

    async def begun_progress(self) -> MqttProgress:
        """The progress; one that begins has what was written before now count for states alone."""
        progress = await self.progress()
        if progress != MqttProgress():
            return progress
        with translated():
            info = await stream_info_async(self._client, keys.ALERTS)
        return progress.moved(quiet_until=info.last_id) if info else progress

    async def alerts_after(self, progress: MqttProgress) -> tuple[MqttProgress, list[tuple[str, Alert | None]]]:
        """As `rows_after`: ids of entries, and what changed, where it was an alert."""
        progress, rows = await self.rows_after(progress)
        return progress, [_change(*row) for row in rows]

    async def cameras(self) -> dict[str, Camera]:
        """All of them, by id: the same object until one changes."""
        with translated():
            revision = counted(await self._client.get(keys.CAMERAS_REVISION))
            if revision != self._cameras_revision:
                self._cameras = readable_by_id(Camera.decode, await self._client.hgetall(keys.CAMERAS), "camera")
                self._cameras_revision = revision
        return self._cameras

    async def check_lease(self) -> None:
        """Raises `LeaseLostError` once another worker speaks."""

        async def queue(pipe: Any, _: Broker) -> None:
            pipe.multi()

        await self._write(queue)

    async def mutes(self) -> dict[str, Mute]:
        with translated():
            stored = await self._client.hgetall(keys.MUTES)
        return readable_by_id(Mute.decode, stored, "mute")

    async def mute(self, camera_id: str, *, muted: bool) -> None:
        """Mute a camera until it is heard again, a month at most, or end its mute. Without effect for none that there
        is."""
        now_ms = await self.now_ms()
        with translated():
            if not await self._client.hexists(keys.CAMERAS, camera_id):
                return
            if muted:
                mute = Mute(id=camera_id, until_ms=now_ms + LONGEST_MUTE_MS)
                await self._client.hset(keys.MUTES, camera_id, mute.encode())
            else:
                await self._client.hdel(keys.MUTES, camera_id)

    async def last_scores(self, camera_ids: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Of each camera that has one: the id of its last score, and the score (0..1)."""
        found: dict[str, tuple[str, float]] = {}
        for start in range(0, len(camera_ids), _CAMERAS_AT_ONCE):
            some = camera_ids[start : start + _CAMERAS_AT_ONCE]
            with translated():
                async with self._client.pipeline(transaction=False) as pipe:
                    for camera_id in some:
                        pipe.xrevrange(CameraKeys.for_camera(camera_id, self._partitions).scores, count=1)
                    answers = await pipe.execute()
            for camera_id, rows in zip(some, answers, strict=True):
                score = readable(Score.decode, rows[0][1], f"a score of {camera_id!r}") if rows else None
                if score is not None:
                    found[camera_id] = rows[0][0].decode(), score.score
        return found

    async def record(self, progress: MqttProgress) -> MqttProgress:
        """Write the progress."""

        async def queue(pipe: Any, _: Broker) -> MqttProgress:
            pipe.multi()
            pipe.set(keys.MQTT_PROGRESS, progress.encode())
            return progress

        return await self._write(queue)

    async def _configured(self, pipe: Any) -> Broker:
        return self._receiver


def _change(entry_id: bytes, fields: dict[bytes, bytes]) -> tuple[str, Alert | None]:
    name = entry_id.decode()
    if not tells_of_alert(fields):
        return name, None
    return name, readable(Alert.decode, fields.get(ALERT_FIELD, b""), f"alert change {name} for MQTT")
