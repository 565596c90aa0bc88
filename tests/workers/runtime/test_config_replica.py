"""A replica follows the configuration, and puts back what Redis has lost but nothing that a user removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.messages.cameras.camera import Camera
from workers.runtime.config_replica import ConfigReplica

DOOR, YARD = (Camera(id=name, source="rtsp://192.168.0.2/1") for name in ("door", "yard"))


@pytest.fixture
async def client(bus_url: str) -> AsyncIterator[Any]:
    async with connect_async(bus_url) as client:
        yield client


@pytest.fixture
def cameras(client: Any) -> ConfigReplica[Camera]:
    return ConfigReplica(client, keys.CAMERAS, keys.CAMERAS_REVISION, Camera.decode, "camera")


async def test_what_is_added_is_read_and_an_id_is_taken_once(cameras: ConfigReplica[Camera]) -> None:
    assert await cameras.read() == {}
    assert await cameras.add(DOOR)
    assert not await cameras.add(DOOR.model_copy(update={"analysis_fps": 1.0}))
    assert await cameras.add(YARD)
    assert await cameras.read() == {"door": DOOR, "yard": YARD}


async def test_what_a_user_removes_stays_removed(client: Any, cameras: ConfigReplica[Camera]) -> None:
    await cameras.add(DOOR)
    await cameras.read()
    await client.hdel(keys.CAMERAS, "door")
    await client.incr(keys.CAMERAS_REVISION)
    assert await cameras.read() == {}


@pytest.mark.parametrize("revision", [None, "1", "rubbish"])
async def test_what_redis_lost_is_put_back(client: Any, cameras: ConfigReplica[Camera], revision: str | None) -> None:
    await cameras.add(DOOR)
    await cameras.add(YARD)
    await cameras.read()
    await client.flushall()
    await client.hset(keys.CAMERAS, "yard", YARD.model_copy(update={"analysis_fps": 1.0}).encode())
    if revision is not None:
        await client.set(keys.CAMERAS_REVISION, revision)
    read = await cameras.read()
    assert read["door"] == DOOR
    assert read["yard"].analysis_fps == 1.0, "what Redis has counts"
    assert int(await client.get(keys.CAMERAS_REVISION)) == 3


async def test_what_cannot_be_read_is_left_out(client: Any, cameras: ConfigReplica[Camera]) -> None:
    await cameras.add(DOOR)
    await client.hset(keys.CAMERAS, "odd", b"\xff")
    assert await cameras.read() == {"door": DOOR}


async def test_a_record_that_did_not_change_is_not_decoded_again(client: Any) -> None:
    decoded = []

    def counted(data: bytes) -> Camera:
        decoded.append(Camera.decode(data).id)
        return Camera.decode(data)

    cameras = ConfigReplica(client, keys.CAMERAS, keys.CAMERAS_REVISION, counted, "camera")
    await cameras.add(DOOR)
    before = (await cameras.read())["door"]
    await cameras.add(YARD)
    assert (await cameras.read())["door"] is before
    assert before.captures_like((await cameras.read())["door"])
    assert decoded == ["door", "yard"]
    await client.hset(keys.CAMERAS, "door", DOOR.model_copy(update={"analysis_fps": 1.0}).encode())
    await client.incr(keys.CAMERAS_REVISION)
    assert (await cameras.read())["door"].analysis_fps == 1.0
    assert decoded == ["door", "yard", "door"]
