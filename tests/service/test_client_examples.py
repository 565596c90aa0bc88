"""The Python client of the documentation, as it is written there, against a real service that wants a token."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from client_examples import example
from service_world import Serve, World, now_ms
from tcp_proxy import TcpProxy
from waiting import PATIENCE_S
from websockets.exceptions import ConnectionClosedError

from patchwatch.contract.settings import Settings

TOKEN = "a-token-of-letters/and+more"


@pytest.fixture
def address(serve: Serve, settings: Settings, world: World) -> str:
    world.camera()
    return serve(settings.changed(api_token=TOKEN))


def _names(address: str, token: str = TOKEN) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example("python", address, token), "clients.md", "exec"), names)  # noqa: S102 - our own page
    return names


async def _next(alerts: Any) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(PATIENCE_S):
        change, alert = await anext(alerts)
        return change, alert


async def test_it_lists_cameras_and_reads_scores(address: str, world: World) -> None:
    minute_ms = now_ms() // 60_000 * 60_000 - 120_000
    world.minute(minute_ms, 300, 30.0, 0.75)
    names = await asyncio.to_thread(_names, address)
    assert await asyncio.to_thread(names["cameras"]) == ["gate"]
    [(at, peak)] = await asyncio.to_thread(names["peaks"], "gate")
    assert (at[-1], peak) == ("Z", 0.75)


async def test_it_follows_alerts_and_misses_none_while_the_connection_is_away(address: str, world: World) -> None:
    proxy = TcpProxy(int(address.rpartition(":")[2]))
    try:
        alerts = _names(f"127.0.0.1:{proxy.port}")["alerts"]()
        first, added = asyncio.create_task(_next(alerts)), 0
        while not first.done():  # it says nothing of when it is connected
            world.alert(_started_ms(added))
            added += 1
            await asyncio.sleep(0.2)
        change, alert = first.result()
        assert (change, alert["camera_id"]) == ("open", "gate")
        await asyncio.to_thread(proxy.cut, refuse=True)
        missed = [_started_ms(added + number) for number in range(3)]
        for started_ms in missed:
            world.alert(started_ms)
        proxy.restore()
        received = [alert["id"]]
        while received[-1] != f"gate-{missed[-1]}":
            received.append((await _next(alerts))[1]["id"])
        begin = received[0].partition("-")[2]
        expected = [f"gate-{ms}" for ms in range(int(begin), missed[-1] + 1, 1000)]
        assert received == expected
        await alerts.aclose()
    finally:
        await asyncio.to_thread(proxy.close)


def _started_ms(number: int) -> int:
    return 1_767_225_600_000 + number * 1000


async def test_a_wrong_token_ends_it(address: str) -> None:
    names = _names(address, "another-token-of-letters")
    with pytest.raises(ConnectionClosedError, match="4401"):
        await _next(names["alerts"]())
