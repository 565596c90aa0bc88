"""Against a real server over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest
from service_world import Serve, World
from waiting import PATIENCE_S
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.cameras.correction import Correction, CorrectionKind, Span
from service.schemas.cameras.correction import CorrectionView

T0 = 1_767_225_600_000


async def _next(socket: ClientConnection, kind: str | None = None) -> dict[str, Any]:
    """The next message of a type; of any but heartbeats when none is named."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind or (kind is None and message["type"] != "heartbeat"):
                return message


@pytest.fixture
def at(serve: Serve, settings: Settings, world: World) -> str:
    return f"ws://{serve(settings)}/api/v1/ws"


async def test_an_alert_is_pushed_at_each_change(at: str, world: World) -> None:
    async with connect(f"{at}/alerts") as client:
        assert (await _next(client))["type"] == "hello"
        entry_id = world.alert(T0)
        message = await _next(client)
        assert message["id"] == entry_id
        assert (message["alert"]["id"], message["alert"]["state"]) == (f"gate-{T0}", "open")
        world.alert(T0, state=AlertState.CLOSED, ended_at_ms=T0 + 5000)
        assert (await _next(client))["alert"]["state"] == "closed"


async def test_a_verdict_is_pushed_as_a_message_of_its_own_type(at: str, world: World) -> None:
    """A client that knows `alert` only must not take it for another alert."""
    rest = at.replace("ws://", "http://").removesuffix("/ws") + f"/alerts/gate-{T0}/verdict"
    async with connect(f"{at}/alerts?camera=gate") as client, httpx.AsyncClient() as operator:
        await _next(client)
        opened = world.alert(T0)
        assert (await _next(client))["type"] == "alert"
        shown = (await operator.put(rest, json={"verdict": "normal", "note": "the cleaner"})).json()
        message = await _next(client, "verdict")
        assert shown.pop("effect"), "said to whoever judged alone"
        assert (message["type"], message["alert"]) == ("verdict", shown)
        await operator.delete(rest)
        taken = await _next(client, "verdict")
        assert (taken["type"], taken["alert"]["verdict"], taken["alert"]["reviewed"]) == ("verdict", None, False)
    async with connect(f"{at}/alerts?after={opened}") as client:
        await _next(client)
        assert [(await _next(client, "verdict"))["id"] for _ in range(2)] == [message["id"], taken["id"]], (
            "missed, and resumed"
        )
    async with connect(f"{at}/alerts?camera=yard&after={opened}") as client:
        await _next(client)
        world.alert(T0 + 1, camera_id="yard")
        assert (await _next(client))["type"] == "alert", "of another camera"


async def test_a_correction_is_pushed_when_it_is_made_and_when_it_is_taken_back(at: str, world: World) -> None:
    correction = Correction(
        id="0" * 16, kind=CorrectionKind.RECURRING, spans=(Span(from_ms=T0, until_ms=T0 + 5000),), by="recurrence",
        at_ms=T0, note="recurs on 3 days: is normal at 21:30-22:35 from now on",
    )  # fmt: skip
    async with connect(f"{at}/alerts?camera=gate") as client:
        await _next(client)
        world.camera("gate")
        change_corrections(world.bus, "gate", lambda before: before.with_one(correction))
        made = await _next(client)
        assert (made["type"], made["camera_id"]) == ("correction", "gate")
        shown = CorrectionView.from_record(correction).model_dump(mode="json")
        assert (made["correction"], shown["in_force"]) == (shown, True)
        change_corrections(world.bus, "gate", lambda before: before.undone("0" * 16, "operator", T0 + 1))
        assert (await _next(client))["correction"]["undone_by"] == "operator"


async def test_alerts_resume_after_an_id_without_gap_or_repeat(at: str, world: World) -> None:
    ids = [world.alert(T0 + number) for number in range(1200)]  # more than one page
    async with connect(f"{at}/alerts?after={ids[99]}") as client:
        await _next(client)
        first = [(await _next(client))["id"] for _ in range(500)]
        ids += [world.alert(T0 + number) for number in range(1200, 1300)]  # while it is still catching up
        rest = [(await _next(client))["id"] for _ in range(700)]
        ids.append(world.alert(T0 + 1300))
        last = (await _next(client))["id"]
    assert [*first, *rest, last] == ids[100:]


async def test_hello_says_where_to_resume_before_any_message(at: str, world: World) -> None:
    world.alert(T0)
    async with connect(f"{at}/alerts") as client:
        (position,) = (await _next(client))["positions"]
    missed = world.alert(T0 + 1)
    async with connect(f"{at}/alerts?after={position}") as client:
        await _next(client)
        assert (await _next(client))["id"] == missed


async def test_hello_says_whether_missed_messages_are_complete(at: str, world: World) -> None:
    async def gaps(after: str) -> object:
        async with connect(f"{at}/alerts?after={after}") as client:
            return (await _next(client))["gaps"]

    ids = [world.alert(T0 + number) for number in range(10)]
    assert await gaps(ids[0]) == []
    world.bus.xtrim(keys.ALERTS, maxlen=5, approximate=False)
    assert await gaps(ids[3]) == [ids[3]], "4 was removed"
    assert await gaps(ids[5]) == await gaps(ids[9]) == []
    world.bus.flushall()
    assert await gaps(ids[9]) == [ids[9]]
    async with connect(f"{at}/alerts") as client:
        assert (await _next(client))["gaps"] == []


async def test_hello_names_the_cameras_whose_scores_have_gaps(at: str, world: World) -> None:
    for camera_id in ("gate", "yard"):
        world.camera(camera_id)
        ids = [world.score(T0 + number, camera_id=camera_id) for number in range(4)]
    world.bus.xtrim(world.keys_of("gate").scores, maxlen=1, approximate=False)
    async with connect(f"{at}/scores?after=gate:{T0}-0&after=yard:{T0}-0") as client:
        assert (await _next(client))["gaps"] == [f"gate:{T0}-0"]
        got = [(await _next(client))["id"] for _ in range(4)]
    assert set(got) == {f"gate:{T0 + 3}-0", *ids[1:]}


async def test_scores_are_filtered_by_camera(at: str, world: World) -> None:
    for camera_id in ("gate", "yard", "roof"):
        world.camera(camera_id)
    async with connect(f"{at}/scores?camera=gate&camera=roof") as client:
        await _next(client)
        for camera_id in ("yard", "gate", "yard", "roof"):
            world.score(T0 + len(camera_id) + world.bus.incr("n"), camera_id=camera_id)
        got = {(await _next(client))["camera_id"] for _ in range(2)}
    assert got == {"gate", "roof"}


@pytest.mark.parametrize("topic", ["alerts", "scores"])
async def test_hello_names_requested_cameras_that_do_not_exist(at: str, world: World, topic: str) -> None:
    world.camera("gate")
    async with connect(f"{at}/{topic}?camera=gate&camera=gaet") as client:
        assert (await _next(client))["unknown_cameras"] == ["gaet"]
    async with connect(f"{at}/{topic}?camera=gate") as client:
        assert (await _next(client))["unknown_cameras"] == []


async def test_scores_of_several_cameras_resume_each_from_its_own_id(at: str, world: World) -> None:
    ids: dict[str, list[str]] = {}
    for camera_id in ("gate", "yard"):
        world.camera(camera_id)
        ids[camera_id] = [world.score(T0 + number, camera_id=camera_id, seq=number + 1) for number in range(6)]
    async with connect(f"{at}/scores?after={ids['gate'][1]}&after={ids['yard'][3]}") as client:
        hello = await _next(client)
        assert sorted(hello["positions"]) == sorted([ids["gate"][1], ids["yard"][3]])
        got = [(await _next(client))["id"] for _ in range(6)]
        live = world.score(T0 + 100)
        assert (await _next(client))["id"] == live
    assert sorted(got) == sorted(ids["gate"][2:] + ids["yard"][4:])


async def test_a_camera_that_is_added_later_is_followed(at: str, world: World) -> None:
    async with connect(f"{at}/scores") as client:
        await _next(client)
        world.camera("late")
        entry_id = world.score(T0, camera_id="late")
        message = await _next(client)
        assert (message["id"], message["camera_id"]) == (entry_id, "late")
        assert message["score"] == 0.2


async def test_heartbeats_say_where_to_resume(at: str, world: World) -> None:
    entry_id = world.alert(T0)
    async with connect(f"{at}/alerts") as client:
        for _ in range(2):
            beat = await _next(client, "heartbeat")
            assert (beat["positions"], beat["queue"]) == ([entry_id], "ok")


async def test_an_emptied_queue_is_followed_again(at: str, world: World) -> None:
    world.camera()
    async with connect(f"{at}/scores") as client:
        await _next(client)
        world.score(T0)
        await _next(client)
        world.bus.flushall()
        world.camera()
        entry_id = world.score(T0 + 1000)
        assert (await _next(client))["id"] == entry_id


async def test_a_slow_client_of_alerts_is_disconnected_and_misses_none(
    serve: Serve, settings: Settings, world: World
) -> None:
    where = serve(settings, client_queue=50, send_buffer=65536)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    raw.setblocking(False)
    host, port = where.split(":")
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    got: list[str] = []
    async with connect(f"ws://{where}/api/v1/ws/alerts", sock=raw, max_queue=1, compression=None) as client:
        await _next(client, "heartbeat")  # it has caught up
        ids = [world.alert(T0 + number, bank_id="b" * 4000) for number in range(600)]
        with pytest.raises(ConnectionClosed) as closed:
            await _read_slowly(client, got, world)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert got == ids[: len(got)]
    async with connect(f"ws://{where}/api/v1/ws/alerts?after={got[-1]}") as client:
        await _next(client)
        got += [(await _next(client))["id"] for _ in range(len(ids) - len(got))]
    assert got == ids


async def _read_slowly(client: ClientConnection, got: list[str], world: World) -> None:
    """Nothing at all until the hub has offered everything, then to the end."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(1)  # being slow is the point
        while True:
            message = json.loads(await client.recv())
            if message["type"] == "alert":
                got.append(message["id"])


async def test_scores_are_thinned_for_a_slow_client_and_the_loss_is_counted(
    serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    where = serve(settings, client_queue=20, send_buffer=65536)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    raw.setblocking(False)
    host, port = where.split(":")
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    async with connect(f"ws://{where}/api/v1/ws/scores", sock=raw, max_queue=1, compression=None) as client:
        await _next(client, "heartbeat")  # it has caught up
        sent = [world.score(T0 + number) for number in range(3000)]
        await asyncio.sleep(1)  # being slow is the point
        got: list[str] = []
        dropped = 0
        while not got or got[-1] != sent[-1]:
            message = await _next(client)
            dropped += message.get("dropped", 0)
            got += [message["id"]] if message["type"] == "score" else []
    assert dropped > 0
    assert len(got) + dropped == len(sent)
    assert got == sorted(got, key=sent.index)


async def _closed(url: str, **options: object) -> tuple[int, str]:
    """With which code and reason the service closes at once."""
    async with connect(url, **options) as client:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed) as closed:
            await _next(client)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize("query", ["alerts?after=x", "scores?after=1-0", "scores?after=Gate:1-0"])
async def test_a_wrong_position_is_refused_with_its_reason(at: str, query: str) -> None:
    code, reason = await _closed(f"{at}/{query}")
    assert code == 4422
    assert reason.startswith("query.after: ")


async def test_a_websocket_needs_the_token(serve: Serve, settings: Settings, world: World) -> None:
    at = f"ws://{serve(settings.model_copy(update={'api_token': Settings(api_token='s3cret').api_token}))}/api/v1/ws"
    for query in ("alerts", "alerts?token=wrong", "scores"):
        assert (await _closed(f"{at}/{query}"))[0] == 4401
    async with connect(f"{at}/alerts?token=s3cret") as client:
        assert (await _next(client))["type"] == "hello"
    async with connect(f"{at}/alerts", additional_headers={"Authorization": "Bearer s3cret"}) as client:
        assert (await _next(client))["type"] == "hello"


async def test_a_foreign_page_is_refused(at: str) -> None:
    assert (await _closed(f"{at}/alerts", origin="https://evil.example"))[0] == 4403


async def test_the_opening_of_an_alert_is_distinct_from_its_updates(at: str, world: World) -> None:
    async with connect(f"{at}/alerts") as client:
        await _next(client)
        changes: list[dict[str, Any]] = [{"told": 0}, {"told": 1}, {"told": 2, "state": "closed"}]
        for fields in changes:
            world.alert(T0, **fields)
        assert [(await _next(client))["change"] for _ in changes] == ["open", "update", "closed"]


async def test_an_entry_that_cannot_be_read_is_skipped(at: str, world: World) -> None:
    async with connect(f"{at}/alerts") as client:
        await _next(client)
        world.bus.xadd(keys.ALERTS, {b"a": b"rubbish"})
        entry_id = world.alert(T0)
        assert (await _next(client))["id"] == entry_id
