"""Who is told of alerts: channels that do not get through, and a broker that nothing is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys, LeaseKeys
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, ok, warn
from patchwatch.messages.alerts.channel import Channel, ChannelProgress


def check_receivers(client: Any, settings: Settings) -> Iterator[Finding]:
    """One finding per enabled channel, and one of MQTT where it is set."""
    for name, data in sorted(client.hgetall(keys.CHANNELS).items()):
        try:
            channel = Channel.decode(data)
            progress = ChannelProgress.decode(client.get(ChannelKeys(channel.id).progress) or b"{}")
        except InvalidMessageError as error:
            text = f"nobody is told by it, as its record cannot be read ({error}): remove it, and add it again"
            yield warn(f"channel {name.decode(errors='replace')}", text)
            continue
        if channel.enabled:
            yield _channel(channel, progress)
    if settings.mqtt_url is not None:
        yield _mqtt(client)


def _channel(channel: Channel, progress: ChannelProgress) -> Finding:
    name = f"channel {channel.id}"
    fault = progress.last_error if progress.streak else progress.failed_trial
    if fault:
        return warn(
            name, f"nobody is told by it ({fault}): correct it, then `patchwatch channels test {channel.id}` shows"
        )
    if not progress.last_success_at_ms:
        return ok(name, f"has not been used: `patchwatch channels test {channel.id}` sends a test")
    return ok(name, f"{progress.delivered} messages sent")


def _mqtt(client: Any) -> Finding:
    if not client.exists(LeaseKeys.for_mqtt().lease):
        return warn("mqtt", "the broker is told nothing, as no delivery worker speaks: start `patchwatch run delivery`")
    if not client.exists(keys.MQTT_PROGRESS):
        return warn("mqtt", "nothing has been told yet: see the log of `patchwatch run delivery` for why")
    return ok("mqtt", "a delivery worker speaks with the broker")
