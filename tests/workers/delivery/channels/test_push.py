"""Devices are told of what their owner may see, in messages that they alone can read."""

from __future__ import annotations

import json
import logging
import time
from base64 import urlsafe_b64decode
from typing import Any

import py_vapid
import pytest
from push_device import PushDevice
from receiver import answer, receiving

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.bus.push_key import public_form, push_key
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.messages.access.user import User
from patchwatch.messages.alerts.channel import NoticeOutcome
from patchwatch.messages.alerts.webhook import TrialResult

CREATED = answer(201)
DEVICE = PushDevice()


def add_device(world: Any, receiver: Any, owner: str = "", login: str = "", **fields: Any) -> None:
    device = {"name": "a phone", **DEVICE.keys, "owner": owner, "login": login}
    world.channel(f"http://127.0.0.1:{receiver.port}/send/hunter2", device=device, **fields)


def add_user(world: Any, cameras: tuple[str, ...] | None, **fields: Any) -> User:
    user = User(name="ada", role="viewer", cameras=cameras, password_hash="x", created_at_ms=1, **fields)
    world.bus.hset(keys.USERS, user.name, user.encode())
    return user


async def test_a_device_gets_a_message_that_it_alone_can_read(
    world: Any, running: Any, eventually: Any, bus_url: str
) -> None:
    async with receiving(CREATED) as receiver, running():
        add_device(world, receiver)
        world.alert(1, anomaly="place", zones=("porch",))
        await eventually(lambda: world.told().delivered == 1)
    [request] = receiver.requests
    message = DEVICE.read(request.body)
    picture = message.pop("picture")
    assert picture.startswith("./links/alerts/gate-1/picture.jpg?expires=")
    assert message == {
        "notice": "alert", "title": "something unusual in its place: gate", "tag": "gate-1", "link": "./#alert=gate-1",
        "text": "1970-01-01 00:00:00  gate: something unusual in its place in porch, score 0.90",
    }  # fmt: skip
    assert request.headers["content-encoding"] == "aes128gcm"
    assert (request.headers["ttl"], request.headers["urgency"]) == ("86400", "high")
    await _check_signature(request.headers["authorization"], f"http://127.0.0.1:{receiver.port}", bus_url)


async def _check_signature(authorization: str, audience: str, bus_url: str) -> None:
    """RFC 8292: the token is of the installation's key, for this push service, and not for long."""
    scheme, _, rest = authorization.partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    async with connect_async(bus_url) as client:
        assert (scheme, fields["k"]) == ("vapid", public_form(await push_key(client)))
    assert py_vapid.Vapid02.verify(authorization)
    claims = json.loads(urlsafe_b64decode(fields["t"].split(".")[1] + "=="))
    assert claims["aud"] == audience
    assert claims["sub"].startswith("mailto:")


async def test_a_user_is_told_only_of_cameras_that_he_sees_when_the_message_is_due(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(CREATED) as receiver, running():
        user = add_user(world, ("gate", "yard"))
        add_device(world, receiver, owner="ada", login=user.incarnation, window_s=3.0)
        world.alert(1, camera_id="vault")
        world.alert(2, camera_id="yard")
        world.alert(3)
        await eventually(lambda: len(world.told().incidents) == 1)
        add_user(world, ("gate",), incarnation=user.incarnation)
        await eventually(lambda: world.told().delivered == 1)
        world.bus.hdel(keys.USERS, "ada")
        world.alert(4)
        await eventually(lambda: world.told().passed == 4)
    [request] = receiver.requests
    assert DEVICE.read(request.body)["title"] == "something unusual: gate"


async def test_nothing_is_told_once_the_owner_has_ended_his_logins(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(CREATED) as receiver, running():
        user = add_user(world, None)
        add_device(world, receiver, owner="ada", login=user.incarnation, window_s=3.0)
        world.alert(1)
        await eventually(lambda: world.told().passed == 1)
        add_user(world, None)  # by another incarnation, while the window is open
        await eventually(lambda: [record.outcome for record in world.log()] == [NoticeOutcome.NOT_NEEDED])
    assert receiver.requests == []


@pytest.mark.parametrize("status", [404, 410])
async def test_a_device_that_has_unsubscribed_is_removed(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.INFO, "patchwatch.delivery")
    async with receiving(answer(status)) as receiver, running():
        add_device(world, receiver)
        world.alert(1)
        await eventually(lambda: not world.bus.exists(keys.CHANNELS))
        await eventually(lambda: not world.bus.keys("pw:channel:phone:progress"))
    assert f"channel phone is removed: HTTP {status}: the device has unsubscribed" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_push_service_that_is_away_gets_the_message_later(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(CREATED) as receiver:
        receiver.answers = [answer(429, "Retry-After: 0"), answer(500)]
        async with running(webhook_retry_max_s=0.02):
            add_device(world, receiver, over=True)
            world.alert(1)
            await eventually(lambda: world.told().delivered == 1)
            world.alert(1, state="closed", ended_at_ms=int(time.time() * 1000))
            await eventually(lambda: world.told().delivered == 2)
    assert len(receiver.requests) == 4
    over = DEVICE.read(receiver.requests[-1].body)
    assert (over["notice"], over["title"], over["tag"]) == ("over", "Over: gate", "gate-1")


async def test_a_message_of_many_alerts_fits_what_a_push_service_takes(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(CREATED) as receiver, running():
        add_device(world, receiver, window_s=2.0)
        for number in range(20):
            world.alert(number, camera_id=f"camera-{number}", zones=("ä" * 60, "ö" * 60))
        await eventually(lambda: world.told().delivered == 1)
    [request] = receiver.requests
    assert len(request.body) <= 4096
    assert DEVICE.read(request.body)["title"].startswith("something unusual: camera-0, camera-1, ")


async def test_a_test_is_sent(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(CREATED) as receiver, running():
        add_device(world, receiver)
        world.bus.xadd("pw:channel:phone:asked", {b"t": b"abc"})
        await eventually(lambda: world.bus.llen("pw:channel:phone:answer:abc") == 1)
    assert TrialResult.decode(world.bus.lrange("pw:channel:phone:answer:abc", 0, 0)[0]).delivered
    assert DEVICE.read(receiver.requests[0].body)["title"] == "Patchwatch: a test"


async def test_an_endpoint_beyond_the_reach_is_never_connected_to(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(CREATED) as receiver, running(webhook_reach="public"):
        add_device(world, receiver)
        world.alert(1)
        await eventually(lambda: world.told().failed >= 1)
    assert receiver.requests == []


async def test_the_key_is_made_once_and_a_damaged_one_anew(world: Any, bus_url: str) -> None:
    async with connect_async(bus_url) as client:
        first = public_form(await push_key(client))
        assert public_form(await push_key(client)) == first
        for damaged in (b"short", bytes(32)):
            world.bus.set(keys.PUSH_KEY, damaged)
            assert public_form(await push_key(client)) != first
    async with connect_async("redis://127.0.0.1:1/0") as away:
        with pytest.raises(BusUnavailableError):
            await push_key(away)
