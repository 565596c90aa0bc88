"""What a client that follows a real broker is told of cameras and alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import trustme
from mqtt_broker import PASSWORD, USER, Broker, following

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Score

DEVICE = "homeassistant/device/patchwatch_gate/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def settings(settings: Any, broker: Broker) -> Any:
    return settings.changed(mqtt_url=broker.url, mqtt_username=USER, mqtt_password=PASSWORD)


@pytest.fixture(autouse=True)
def _quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.delivery.mqtt.mqtt_loop._TURN_S", 0.1)
    monkeypatch.setattr("workers.delivery.mqtt.mqtt_loop.RETRY_MIN_S", 0.05)


def camera(world: Any, *, here: bool = True, **fields: Any) -> None:
    if here:
        world.bus.hset(keys.CAMERAS, "gate", Camera.model_validate({"id": "gate", **fields}).encode())
    else:
        world.bus.hdel(keys.CAMERAS, "gate")
    world.bus.incr(keys.CAMERAS_REVISION)


def progress(world: Any) -> MqttProgress:
    data = world.bus.get(keys.MQTT_PROGRESS)
    return MqttProgress.decode(data) if data else MqttProgress()


def topic(noun: str) -> str:
    return f"patchwatch/gate/{noun}"


async def test_a_camera_with_its_alerts_scores_and_mutes_is_seen_and_goes_when_it_is_removed(
    world: Any, running: Any, eventually: Any, broker: Broker, settings: Any
) -> None:
    camera(world, name="Front gate")
    world.alert(1)  # before anybody listened: a state, and no event
    async with following(broker) as follower, running():
        await eventually(lambda: follower.states.get(topic("anomaly")) == "ON")
        assert json.loads(follower.states[DEVICE])["device"]["name"] == "Front gate"
        assert follower.states["patchwatch/status"] == "online"
        others = [topic(noun) for noun in ("tampering", "connection", "mute")]
        await eventually(lambda: [follower.states.get(other) for other in others] == ["OFF", "ON", "OFF"])
        world.alert(1, told=1)
        world.alert(1, state=AlertState.CLOSED, told=2)
        await eventually(lambda: follower.states[topic("anomaly")] == "OFF")
        score = Score(1, 10**18, 10**18, 0.25, 0.25, (), driver=None, region=None)
        scores = CameraKeys.for_camera("gate", settings.partitions).scores
        world.bus.xadd(scores, score.encode(), id="1-0")
        await eventually(lambda: follower.said(topic("score")) == ["0.250"])
        await follower.client.publish(topic("mute/set"), "ON", qos=1)
        await eventually(lambda: follower.states[topic("mute")] == "ON")
        assert Mute.decode(world.bus.hget(keys.MUTES, "gate")).id == "gate"
        await follower.client.publish("patchwatch/nobody/mute/set", "ON", qos=1)
        await follower.client.publish(topic("mute/set"), "OFF", qos=1)
        await eventually(lambda: follower.states[topic("mute")] == "OFF")
        assert world.bus.hlen(keys.MUTES) == 0
        camera(world, here=False)
        await eventually(lambda: follower.states[DEVICE] == "")
        await eventually(lambda: progress(world).announced == ())
    [event] = follower.said(topic("event"))
    assert json.loads(event)["event_type"] == "anomaly_over"
    async with following(broker) as later:
        await eventually(lambda: later.states.get("patchwatch/status") == "offline")
        assert later.states == {"patchwatch/status": "offline"}, "of the camera nothing is retained"


async def test_what_happens_while_the_broker_is_away_is_told_when_it_is_back(
    world: Any, running: Any, eventually: Any, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    camera(world)
    world.alert(1, state=AlertState.CLOSED)
    async with running():
        await eventually(lambda: progress(world).announced == ("gate",))
        await eventually(lambda: progress(world).passed == 1)
        broker.kill()
        for number in (2, 3):
            world.alert(number)
        await eventually(lambda: "nothing is told until the broker answers again" in caplog.text)
        broker.start()
        async with following(broker) as follower:
            await eventually(lambda: len(follower.said(topic("event"))) == 2)
            await eventually(lambda: follower.states.get(topic("anomaly")) == "ON")
            assert DEVICE in follower.states, "a broker that has forgotten is told again"
    told = [json.loads(payload)["alert_id"] for payload in follower.said(topic("event"))]
    assert told == ["gate-2", "gate-3"]
    assert caplog.text.count("nothing is told until") == 1
    assert PASSWORD not in caplog.text


async def test_of_two_workers_one_speaks_and_a_start_of_home_assistant_is_answered(
    world: Any, running: Any, eventually: Any, broker: Broker
) -> None:
    camera(world)
    async with following(broker) as follower, running(), running():
        await eventually(lambda: follower.said(topic("connection")) == ["ON"])
        world.alert(1)
        await eventually(lambda: len(follower.said(topic("event"))) == 1)
        await follower.client.publish("homeassistant/status", "online", qos=1)
        await eventually(lambda: len(follower.said(DEVICE)) == 2)
    assert len(follower.said(topic("event"))) == 1
    assert follower.said("patchwatch/status") == ["online", "offline"]


async def test_a_worker_that_takes_over_comes_after_the_last_will_of_the_one_before(
    world: Any, running: Any, eventually: Any, broker: Broker
) -> None:
    camera(world)
    async with following(broker) as follower, running():
        await eventually(lambda: follower.said("patchwatch/status") == ["online"])
        taking_over = aiomqtt.Client(
            "127.0.0.1", broker.port, username=USER, password=PASSWORD, identifier="patchwatch-patchwatch"
        )
        async with taking_over:
            await eventually(lambda: "offline" in follower.said("patchwatch/status"))
        await eventually(lambda: follower.said("patchwatch/status")[-1] == "online")
        assert follower.said("patchwatch/status")[:3] == ["online", "offline", "online"]


# paho leaves the socket of a handshake that fails to the collector
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_certificate_is_checked_by_the_authority_that_is_set(
    world: Any, running: Any, eventually: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority, folder = trustme.CA(), tmp_path / "tls"
    folder.mkdir()
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    broker = Broker(folder, authority)
    broker.start()
    camera(world)
    try:
        where = f"mqtts://127.0.0.1:{broker.port}"
        async with running(mqtt_url=where):
            await eventually(lambda: "PATCHWATCH_MQTT_CA_FILE" in caplog.text)
        assert progress(world).announced == ()
        async with running(mqtt_url=where, mqtt_ca_file=file):
            await eventually(lambda: progress(world).announced == ("gate",))
    finally:
        broker.kill()


async def test_a_wrong_password_is_said_once_and_never_shown(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(mqtt_password="wrong-hunter3"):
        await eventually(lambda: "nothing is told until the broker answers again" in caplog.text)
    assert "Not authorized" in caplog.text or "not authorised" in caplog.text.lower()
    assert "hunter3" not in caplog.text
