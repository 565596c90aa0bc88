"""Devices of users: channels to browsers, each its owner's own."""

from __future__ import annotations

import contextlib

from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.alerts.channel import Channel
from service.store.alerts.channels import ChannelStore


class DeviceStore(ChannelStore):
    """The part of `keys.CHANNELS` that browsers are. Raises `BusUnavailableError` when Redis is away."""

    async def of(self, owner: str) -> list[Channel]:
        """Those of a user, by id."""
        return [one for one in await self.all() if one.device is not None and one.device.owner == owner]

    async def put(self, channel: Channel) -> None:
        """Add a device, in place of the one with its id. Raises `ConflictError` when there are too many channels."""
        with contextlib.suppress(NotFoundError):
            await self.delete(channel.id)
        try:
            await self.create(channel)
        except ConflictError:
            raise ConflictError(
                f"all {self.most} channels that are possible are taken: an admin has to remove one first"
            ) from None

    async def delete_all_of(self, owner: str) -> None:
        """When a user is removed."""
        for channel in await self.of(owner):
            with contextlib.suppress(NotFoundError):
                await self.delete(channel.id)
