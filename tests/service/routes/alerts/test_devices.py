from __future__ import annotations

from typing import Any

import httpx
import pytest
from push_device import PushDevice

from patchwatch.bus import keys
from patchwatch.messages.alerts.channel import MAX_CHANNELS, Channel
from patchwatch.messages.alerts.device import MAX_DEVICES_OF_USER

AT = "/api/v1/devices"
DEVICE = PushDevice()
SECRET = "hunter2"


def body(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"name": "a phone", "endpoint": f"https://push.example/{SECRET}/{number}", "keys": DEVICE.keys, **fields}


def stored(world: Any) -> list[Channel]:
    return [Channel.decode(data) for _, data in sorted(world.bus.hgetall(keys.CHANNELS).items())]


async def test_a_device_is_added_replaced_listed_and_removed(api: httpx.AsyncClient, world: Any) -> None:
    world.camera("gate")
    made = await api.post(AT, json=body(cameras=["gate"]))
    again = await api.post(AT, json=body(name="my phone", least_severity="high"))
    assert (made.status_code, again.status_code) == (201, 201)
    [channel] = stored(world)
    assert channel.url.get_secret_value() == f"https://push.example/{SECRET}/1"
    assert channel.device is not None
    assert (channel.device.name, channel.device.owner, channel.cameras) == ("my phone", "", ())
    listed = (await api.get(AT)).json()
    assert listed["devices"] == [again.json()]
    assert len(listed["key"]) == 87
    assert SECRET not in (await api.get("/api/v1/channels")).text
    assert DEVICE.keys["auth"] not in (await api.get("/api/v1/channels")).text
    at = again.headers["location"]
    assert (await api.delete(at)).status_code == 204
    assert (await api.delete(at)).status_code == 404
    assert stored(world) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "http://push.example/1"}, {"endpoint": "https://me:hunter2@push.example/1"},
        {"endpoint": "file:///etc/passwd"}, {"endpoint": "https://push.example:x/1"}, {"endpoint": "https://"},
        {"name": " "}, {"keys": {"p256dh": "AAAA", "auth": DEVICE.keys["auth"]}},
        {"keys": {"p256dh": DEVICE.keys["p256dh"], "auth": "AAAA"}}, {"cameras": ["nowhere"]},
    ],
)  # fmt: skip
async def test_what_no_browser_sends_is_refused(api: httpx.AsyncClient, world: Any, fields: dict[str, Any]) -> None:
    answer = await api.post(AT, json=body(**fields))
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert stored(world) == []


async def test_a_channel_route_leaves_a_devices_address_and_words_alone(api: httpx.AsyncClient) -> None:
    made = (await api.post(AT, json=body())).json()
    channel = f"/api/v1/channels/{made['id']}"
    assert (await api.get(channel)).json()["device"] == "a phone"
    assert (await api.patch(channel, json={"url": "ntfy://h/t"})).status_code == 409
    assert (await api.patch(channel, json={"enabled": False})).status_code == 200


async def test_devices_are_bounded(api: httpx.AsyncClient, world: Any) -> None:
    for number in range(MAX_DEVICES_OF_USER):
        assert (await api.post(AT, json=body(number))).status_code == 201
    full = await api.post(AT, json=body(99))
    assert (full.status_code, "remove one of your devices" in full.text) == (409, True)
    assert (await api.post(AT, json=body(0))).status_code == 201, "one that is there is replaced"
    others = {f"c{number}": Channel(id=f"c{number}", url="ntfy://h/t").encode() for number in range(MAX_CHANNELS)}
    world.bus.delete(keys.CHANNELS)
    world.bus.hset(keys.CHANNELS, mapping=others)
    full = await api.post(AT, json=body(99))
    assert (full.status_code, "an admin has to remove one first" in full.text) == (409, True)
