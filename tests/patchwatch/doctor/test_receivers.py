"""``patchwatch doctor`` says who is not told of alerts, and what to do."""

from __future__ import annotations

from typing import Any

import redis

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys, LeaseKeys
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding
from patchwatch.doctor.receivers import check_receivers
from patchwatch.messages.alerts.channel import Channel, ChannelProgress
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from patchwatch.messages.alerts.sentence import SentenceProgress


def channel(bus: Any, name: str, *, enabled: bool = True, **progress: Any) -> None:
    stored = Channel.model_validate({"id": name, "url": "ntfy://hunter2@h/t", "enabled": enabled})
    bus.hset(keys.CHANNELS, name, stored.encode())
    bus.set(ChannelKeys(name).progress, ChannelProgress(**progress).encode())


def found(bus: Any, **settings: Any) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_receivers(bus, Settings(**settings))}


def test_channels_that_do_not_get_through_are_named(bus_url: str) -> None:
    with redis.Redis.from_url(bus_url) as bus:
        channel(bus, "fresh")
        channel(bus, "good", delivered=3, last_success_at_ms=1)
        channel(bus, "bad", streak=2, last_error="HTTP 401")
        channel(bus, "tried", failed_trial="HTTP 404")
        channel(bus, "off", enabled=False, streak=2)
        bus.hset(keys.CHANNELS, "broken", b"{}")
        findings = found(bus)
    assert "channel off" not in findings
    good = {name.removeprefix("channel ") for name, finding in findings.items() if finding.level == "ok"}
    assert good == {"fresh", "good"}
    assert "HTTP 401" in findings["channel bad"].text
    assert "patchwatch channels test tried" in findings["channel tried"].text
    assert "remove it, and add it again" in findings["channel broken"].text
    assert not [finding for finding in findings.values() if "hunter2" in finding.text]


def test_a_broker_that_nothing_is_told_is_named(bus_url: str) -> None:
    with redis.Redis.from_url(bus_url) as bus:
        assert found(bus) == {}
        assert "start `patchwatch run delivery`" in found(bus, mqtt_url="mqtt://h")["mqtt"].text
        bus.set(LeaseKeys.for_mqtt().lease, "w:1")
        assert "see the log" in found(bus, mqtt_url="mqtt://h")["mqtt"].text
        bus.set(keys.MQTT_PROGRESS, MqttProgress(announced=("gate",)).encode())
        assert found(bus, mqtt_url="mqtt://h")["mqtt"].level == "ok"


def test_a_server_that_writes_no_sentences_is_named(bus_url: str) -> None:
    server = {"sentence_url": "http://h/v1", "sentence_model": "seer"}
    with redis.Redis.from_url(bus_url) as bus:
        assert "start `patchwatch run delivery`" in found(bus, **server)["sentences"].text
        bus.set(LeaseKeys.for_sentences().lease, "w:1")
        assert found(bus, **server)["sentences"].level == "ok"
        bus.set(keys.SENTENCES_PROGRESS, SentenceProgress(streak=2, last_error="HTTP 401").encode())
        assert "HTTP 401" in found(bus, **server)["sentences"].text
        bus.set(keys.SENTENCES_PROGRESS, b"{")
        assert "cannot be read" in found(bus, **server)["sentences"].text
