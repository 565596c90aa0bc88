"""One channel's place in the stream of alerts, its log, and what is written about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis.asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import ChannelKeys
from patchwatch.bus.push_key import push_key
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.messages.access.user import User
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.channel import MAX_CHANNEL_RECORDS, Channel, ChannelProgress, ChannelRecord
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.alerts.verdict import ALERT_FIELD, VERDICT_FIELD, VerdictChange, tells_of_alert
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.channels.incident_book import StreamEntry
from workers.delivery.receiver_outbox import OperatorRequest, ReceiverOutbox
from workers.runtime.leases import Lease


class ChannelOutbox(ReceiverOutbox[Channel, ChannelProgress]):
    """Reads and writes `ChannelKeys` of one channel. Raises as `ReceiverOutbox`."""

    noun = "channel"
    configured_in = keys.CHANNELS
    page = 200

    def __init__(self, client: redis.asyncio.Redis, channel: Channel, lease: Lease) -> None:
        self._keys = ChannelKeys(channel.id)
        super().__init__(client, channel, lease, self._keys, ChannelProgress())

    async def entries_after(self, progress: ChannelProgress) -> tuple[ChannelProgress, list[StreamEntry]]:
        """As `rows_after`, read."""
        progress, rows = await self.rows_after(progress)
        return progress, [_entry(*row, f"for {self.name}") for row in rows]

    async def mutes(self) -> dict[str, Mute]:
        with translated():
            stored = await self._client.hgetall(keys.MUTES)
        return readable_by_id(Mute.decode, stored, "mute")

    async def camera_names(self, camera_ids: Sequence[str]) -> dict[str, str]:
        """What to call each in a message: its name, or its id where it has none."""
        if not camera_ids:
            return {}
        with translated():
            stored = await self._client.hmget(keys.CAMERAS, list(camera_ids))
        return {camera_id: _name(data) or camera_id for camera_id, data in zip(camera_ids, stored, strict=True)}

    async def seen_cameras(self) -> frozenset[str] | None:
        """Those that the owner of a device sees by now; None: all. Once he is gone, or has ended his logins: none."""
        device = self._receiver.device
        if device is None or not device.owner:
            return None
        with translated():
            stored = await self._client.hget(keys.USERS, device.owner)
        user = readable(User.decode, stored, f"user {device.owner!r}")
        if user is None or user.disabled or user.incarnation != device.login:
            return frozenset()
        return None if user.cameras is None else frozenset(user.cameras)

    async def push_key(self) -> ec.EllipticCurvePrivateKey:
        """What messages to devices are signed with."""
        return await push_key(self._client)

    async def picture(self, alert_id: str) -> bytes | None:
        """JPEG of the alert's peak; None where it has none any more."""
        with translated():
            data: bytes | None = await self._client.get(keys.alert_picture(alert_id))
        return data

    async def record(
        self,
        progress: ChannelProgress,
        records: Sequence[ChannelRecord] = (),
        *,
        handled: OperatorRequest | None = None,
    ) -> ChannelProgress:
        """Write the progress together with entries of the log and the removal of a ``handled`` request."""

        async def queue(pipe: Any, _: Channel) -> ChannelProgress:
            pipe.multi()
            pipe.set(self._keys.progress, progress.encode())
            for record in records:
                pipe.xadd(self._keys.log, {b"r": record.encode()}, maxlen=MAX_CHANNEL_RECORDS, approximate=False)
            if handled is not None:
                pipe.xdel(self._keys.asked, handled.id)
            return progress

        return await self._write(queue)

    async def remove(self) -> None:
        """Remove the channel with all that is kept of it: nobody is there any more."""

        async def queue(pipe: Any, channel: Channel) -> None:
            pipe.multi()
            pipe.hdel(keys.CHANNELS, channel.id)
            pipe.incr(keys.CHANNELS_REVISION)
            pipe.delete(*self._keys.all)

        await self._write(queue)


def _entry(entry_id: bytes, fields: dict[bytes, bytes], whose: str) -> StreamEntry:
    name = entry_id.decode()
    if tells_of_alert(fields):
        alert = readable(Alert.decode, fields.get(ALERT_FIELD, b""), f"alert change {name} {whose}")
        return StreamEntry(name, alert, unreadable=alert is None)
    if VERDICT_FIELD not in fields:
        return StreamEntry(name)
    said = readable(VerdictChange.decode, fields[VERDICT_FIELD], f"verdict {name} {whose}")
    if said is None:
        return StreamEntry(name, unreadable=True)
    return StreamEntry(name, judged=said.alert.id, verdict=said.statement.verdict)


def _name(data: bytes | None) -> str:
    camera = readable(Camera.decode, data, "a camera")
    return camera.name if camera is not None else ""
