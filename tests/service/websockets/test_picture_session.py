"""Live pictures over one real WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from service_world import Serve, World
from waiting import PATIENCE_S
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from patchwatch.contract.settings import Settings


@pytest.fixture
async def client(serve: Serve, settings: Settings) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://{serve(settings)}/api/v1/ws/pictures") as connected:
        yield connected


async def received(client: ClientConnection) -> bytes | dict[str, Any]:
    """The next picture, or what is said of a camera."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await client.recv()
            if isinstance(message, bytes):
                return message
            said: dict[str, Any] = json.loads(message)
            if said["type"] != "heartbeat":
                return said


async def picture(client: ClientConnection) -> tuple[dict[str, Any], bytes]:
    """The next picture: its header and its JPEG."""
    message = await received(client)
    assert isinstance(message, bytes), message
    length = int.from_bytes(message[:4], "big")
    return json.loads(message[4 : 4 + length]), message[4 + length :]


async def test_the_newest_frame_of_each_wanted_camera_comes_once(client: ClientConnection, world: World) -> None:
    for camera_id in ("gate", "yard", "door"):
        world.camera(camera_id)
        world.frame(1, camera_id)
    world.commit(1, [[64, 36, 320, 180, "person", 0.9]], {"scored": 1})
    await client.send(json.dumps({"cameras": ["gate", "yard", "unknown"]}))
    first, second = await picture(client), await picture(client)
    assert [first[0]["camera_id"], second[0]["camera_id"]] == ["gate", "yard"]
    assert first[1].startswith(b"\xff\xd8")
    assert first[0]["boxes"] == [{"label": "person", "x1": 0.1, "y1": 0.1, "x2": 0.5, "y2": 0.5}]
    assert (first[0]["analysed"], second[0]["analysed"]) == (True, False)
    world.frame(2, "yard")  # nothing of the gate is sent again
    assert (await picture(client))[0] | {"t": ""} == second[0] | {"seq": 2, "t": ""}


async def test_a_camera_without_a_picture_is_told_once(client: ClientConnection, world: World) -> None:
    world.camera()
    await client.send(json.dumps({"cameras": ["gate"]}))
    assert await received(client) == {"type": "none", "camera_id": "gate"}
    world.frame(1)
    assert (await picture(client))[0]["seq"] == 1


async def test_a_client_that_does_not_keep_up_gets_fewer_pictures_and_none_that_is_old(
    client: ClientConnection, world: World
) -> None:
    names = [f"cam{number:02}" for number in range(14)]
    for camera_id in names:
        world.camera(camera_id)
        world.frame(1, camera_id)
    await client.send(json.dumps({"cameras": names}))
    assert [(await picture(client))[0]["camera_id"] for _ in range(12)] == names[:12]
    for camera_id in names:
        world.frame(2, camera_id)
    await client.send(json.dumps({"received": 12}))
    seen = [(await picture(client))[0] for _ in range(12)]
    assert [shown["camera_id"] for shown in seen][:3] == ["cam12", "cam13", "cam00"], "each gets its turn"
    assert {shown["seq"] for shown in seen} == {2}, "the first frames of cam12 and cam13 are of the past"


@pytest.mark.parametrize("wish", ["no JSON", '{"cameras": ["../x"]}', '{"more": 1}'])
async def test_what_is_not_understood_is_refused_with_what_to_send(client: ClientConnection, wish: str) -> None:
    await client.send(wish)
    with pytest.raises(ConnectionClosed, match=r"4422.*cameras"):
        await received(client)
