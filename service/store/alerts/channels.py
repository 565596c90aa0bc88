"""Channels: their configuration, and what the delivery worker writes about them."""

from __future__ import annotations

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import ChannelKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.channel import MAX_CHANNELS, Channel, ChannelProgress, ChannelRecord
from service.store.alerts.receivers import ReceiverStore


class ChannelStore(ReceiverStore[Channel, ChannelProgress]):
    """Reads and changes `keys.CHANNELS`, reads `ChannelKeys`. Raises `BusUnavailableError` when Redis is away."""

    noun = "channel"
    most = MAX_CHANNELS
    configured_in = keys.CHANNELS
    revision = keys.CHANNELS_REVISION
    starts_alerts = frozenset({"enabled", "cameras", "kinds", "least_severity"})
    switched_on: dict[str, object] = {}  # noqa: RUF012 - of the class, and not changed
    begins_again = {"attempts": 0, "answered": 0, "streak": 0, "retry_at_ms": 0, "incidents": ()}  # noqa: RUF012
    record = Channel
    progress = ChannelProgress

    def names(self, receiver_id: str) -> ChannelKeys:
        return ChannelKeys(receiver_id)

    async def progresses(self, channel_ids: list[str]) -> list[ChannelProgress]:
        """How far each is, in the order given."""
        if not channel_ids:
            return []
        with translated():
            stored = await self._bus.mget([ChannelKeys(channel_id).progress for channel_id in channel_ids])
        return [self._progress(channel_id, data) for channel_id, data in zip(channel_ids, stored, strict=True)]

    async def log(self, channel_id: str, limit: int) -> list[ChannelRecord]:
        """The last attempts, the newest first. Raises `NotFoundError`."""
        await self.get(channel_id)
        with translated():
            rows = await self._bus.xrevrange(ChannelKeys(channel_id).log, count=limit)
        what = f"an entry of the log of channel {channel_id!r}"
        read = (readable(ChannelRecord.decode, fields.get(b"r", b""), what) for _, fields in rows)
        return [record for record in read if record is not None]
