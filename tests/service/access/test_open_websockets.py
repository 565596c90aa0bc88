"""WebSockets of users: only their cameras, only from our pages, and only for as long as they may. Over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from people import PASSWORD, People
from service_world import Serve, World, now_ms
from waiting import PATIENCE_S
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from service.middleware import auth

T0 = 1_767_225_600_000


@pytest.fixture
def host(serve: Serve, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(auth, "ASK_AGAIN_S", 0.05)
    for camera_id in ("gate", "cellar"):
        world.camera(camera_id)
    return serve(settings)


async def cookie_of(host: str, name: str) -> str:
    async with httpx.AsyncClient(base_url=f"http://{host}") as client:
        answer = await client.post("/api/v1/sessions", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return answer.headers["set-cookie"].split(";")[0]  # type: ignore[no-any-return]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The code and reason that the service closes with."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed) as ended:
            await _without_end(socket)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code, ended.value.rcvd.reason


async def _without_end(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def messages(socket: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """The next messages of a type."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            message = json.loads(await socket.recv())
            found += [message] if message["type"] == kind else []
    return found


async def test_a_user_gets_alerts_and_scores_of_his_cameras_alone(host: str, world: World, people: People) -> None:
    people.user("ada", "viewer", ("gate",))
    headers = {"Cookie": await cookie_of(host, "ada"), "Origin": f"http://{host}"}
    at = f"ws://{host}/api/v1/ws"
    async with (
        connect(f"{at}/alerts?camera=cellar&camera=gate", additional_headers=headers) as alerts,
        connect(f"{at}/scores", additional_headers=headers) as scores,
    ):
        [hello] = await messages(alerts, "hello", 1)
        assert hello["unknown_cameras"] == ["cellar"], "as one that does not exist"
        await messages(scores, "hello", 1)
        for camera_id in ("cellar", "gate"):
            world.alert(T0, camera_id)
            world.score(now_ms(), camera_id=camera_id)
        assert [one["alert"]["camera_id"] for one in await messages(alerts, "alert", 1)] == ["gate"]
        assert [one["camera_id"] for one in await messages(scores, "score", 1)] == ["gate"]
    async with connect(f"{at}/alerts?after=1-0", additional_headers=headers) as again:
        assert [one["alert"]["camera_id"] for one in await messages(again, "alert", 1)] == ["gate"], "missed ones too"


@pytest.mark.parametrize("camera", ["", "?camera=cellar"])
async def test_a_user_without_cameras_gets_nothing(host: str, world: World, people: People, camera: str) -> None:
    token = people.token("read", ())
    async with connect(f"ws://{host}/api/v1/ws/alerts{camera}", additional_headers=_bearer(token)) as alerts:
        await messages(alerts, "hello", 1)
        world.alert(T0, "cellar")
        kinds: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while kinds.count("heartbeat") < 2:
                kinds.append(json.loads(await alerts.recv())["type"])
        assert "alert" not in kinds


async def test_a_foreign_page_does_not_use_the_cookie(host: str, people: People) -> None:
    people.user("ada", "admin")
    cookie = await cookie_of(host, "ada")
    for origin in ({"Origin": "https://evil.example"}, {}):
        headers = {"Cookie": cookie, **origin}
        async with connect(f"ws://{host}/api/v1/ws/alerts", additional_headers=headers) as alerts:
            assert (await closed(alerts))[0] == 4403


ENDS: dict[str, Callable[[World, People], object]] = {
    "logged out": lambda world, _: world.bus.delete(keys.SESSIONS),
    "removed": lambda world, _: world.bus.hdel(keys.USERS, "ada"),
    "disabled": lambda _, people: people.user("ada", "viewer", ("gate",), incarnation="one", disabled=True),
    "other cameras": lambda _, people: people.user("ada", "viewer", ("cellar",), incarnation="one"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_an_open_one_is_closed_when_its_users_rights_end(
    host: str, world: World, people: People, end: Callable[[World, People], object], caplog: pytest.LogCaptureFixture
) -> None:
    people.user("ada", "viewer", ("gate",), incarnation="one")
    headers = {"Cookie": await cookie_of(host, "ada"), "Origin": f"http://{host}"}
    async with connect(f"ws://{host}/api/v1/ws/alerts", additional_headers=headers) as alerts:
        await messages(alerts, "heartbeat", 1)
        end(world, people)
        code, reason = await closed(alerts)
    assert code == 4401
    assert reason
    assert "defect" not in caplog.text


async def test_so_is_that_of_a_token_and_that_of_nobody(host: str, world: World, people: People) -> None:
    token = people.token()
    at = f"ws://{host}/api/v1/ws/alerts"
    async with connect(at, additional_headers=_bearer(token)) as by_token, connect(at) as by_nobody:
        await messages(by_token, "heartbeat", 1)
        await messages(by_nobody, "heartbeat", 1)
        world.bus.delete(keys.TOKENS)
        people.user("ada", "admin")
        assert (await closed(by_token))[0] == 4401
        assert (await closed(by_nobody))[0] == 4401


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
