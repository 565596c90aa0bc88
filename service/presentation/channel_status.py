"""Channels with how they go."""

from __future__ import annotations

from patchwatch.contract.roles import Role
from patchwatch.messages.alerts.channel import Channel
from service.context import Context
from service.schemas.alerts.channel import ChannelHealth, ChannelView


async def channel_views(context: Context, channels: list[Channel]) -> list[ChannelView]:
    """One view per channel, in the order given."""
    if not channels:
        return []
    attended = any(beat.role == Role.DELIVERY for beat in await context.store.statuses.heartbeats())
    progresses = await context.store.channels.progresses([channel.id for channel in channels])
    return [
        ChannelView.from_progress(channel, progress, attended=attended, public_url=context.settings.public_url)
        for channel, progress in zip(channels, progresses, strict=True)
    ]


def is_failing(view: ChannelView) -> bool:
    """Whether an enabled channel does not get through."""
    return view.health not in (ChannelHealth.OK, ChannelHealth.DISABLED)
