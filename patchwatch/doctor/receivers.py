"""Who is told of alerts: channels that do not get through, a broker that nothing is told, and a server that writes no
sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys, LeaseKeys
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, ok, warn
from patchwatch.messages.alerts.channel import Channel, ChannelProgress
from patchwatch.messages.alerts.sentence import SentenceProgress


def check_receivers(client: Any, settings: Settings) -> Iterator[Finding]:
    """One finding per enabled channel, and one of MQTT and of sentences where they are set."""
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
    if settings.sentence_url is not None:
        yield _sentences(client)


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


def _sentences(client: Any) -> Finding:
    try:
        progress = SentenceProgress.decode(client.get(keys.SENTENCES_PROGRESS) or b"{}")
    except InvalidMessageError as error:
        return warn("sentences", f"how they go cannot be read ({error}): it is written anew with the next alert")
    if not client.exists(LeaseKeys.for_sentences().lease):
        return warn("sentences", "none is written, as no delivery worker asks: start `patchwatch run delivery`")
    if progress.streak:
        return warn("sentences", f"none is written ({progress.last_error}): correct PATCHWATCH_SENTENCE_URL and MODEL")
    return ok("sentences", f"{progress.delivered} written, {progress.dead + progress.late + progress.limited} left out")
