"""Devices belong to one user, and go with him."""

from __future__ import annotations

from typing import Any

from people import LogIn, People
from push_device import PushDevice

from patchwatch.bus import keys
from patchwatch.messages.alerts.channel import Channel

AT = "/api/v1/devices"


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "a phone", "endpoint": "https://push.example/1", "keys": PushDevice().keys, **fields}


async def test_users_have_devices_of_their_own_which_go_with_them(people: People, browser: LogIn, world: Any) -> None:
    people.user("root", "admin")
    people.user("ada", cameras=("gate",))
    people.user("bob")
    world.camera("gate")
    world.camera("yard")
    ada, bob, root = await browser("ada"), await browser("bob"), await browser("root")
    made = await ada.post(AT, json=body())
    assert made.status_code == 201
    [channel] = map(Channel.decode, world.bus.hvals(keys.CHANNELS))
    assert channel.device is not None
    assert (channel.device.owner, bool(channel.device.login)) == ("ada", True)
    assert (await ada.post(AT, json=body(cameras=["yard"]))).status_code == 422, "she does not see it"
    at = made.headers["location"]
    assert (await bob.get(AT)).json()["devices"] == []
    for method, path in (("DELETE", at), ("POST", f"{at}/test")):
        assert (await bob.request(method, path)).status_code == 404
        assert (await (await browser("")).request(method, path)).status_code == 401
    assert (await root.delete("/api/v1/users/ada")).status_code == 204
    assert not world.bus.exists(keys.CHANNELS)
