"""The first admin of a service that others can reach: by a link, once."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest
from people import PASSWORD, People
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest
from service.app import create_app
from service.setup_link import announce

BODY = {"name": "ada", "password": PASSWORD}


@pytest.fixture
async def reachable(bus_url: str) -> AsyncIterator[Any]:
    app = create_app(Settings(redis_url=bus_url, host="0.0.0.0"))
    yield app
    app.state.context.passwords.stop()
    await app.state.context.store.bus.aclose()


@pytest.fixture
async def visitor(reachable: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=reachable, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cams.example:8080") as client:
        yield client


async def link(app: Any, capsys: pytest.CaptureFixture[str]) -> str:
    """The code of the link that is written at the start; empty without one."""
    await announce(app.state.context, "http://0.0.0.0:8080")
    written = capsys.readouterr().err
    found = re.search(r"http://[^/:]+:8080/#setup=(\S{32})\n", written)
    return found[1] if found else ""


async def test_the_link_makes_one_admin_who_is_logged_in(
    reachable: Any, visitor: httpx.AsyncClient, people: People, capsys: pytest.CaptureFixture[str], world: World
) -> None:
    first, second = await link(reachable, capsys), await link(reachable, capsys)
    assert first
    assert first.encode() not in (world.bus.dump(keys.SETUP_CODES) or b""), "only a digest is kept"
    assert (await visitor.get("/api/v1/login")).json()["setup"] is True
    answer = await visitor.get("/api/v1/cameras")
    assert answer.status_code == 401
    assert "set-up link" in answer.json()["detail"]
    assert (await visitor.post("/api/v1/setup", json=BODY | {"code": "guessed"})).status_code == 401
    assert (await visitor.post("/api/v1/setup", json=BODY | {"code": first, "password": "short"})).status_code == 422
    made = await visitor.post("/api/v1/setup", json=BODY | {"code": first})
    assert made.json() == {"name": "ada", "kind": "user", "role": "admin", "cameras": None}
    assert (await visitor.get("/api/v1/cameras")).status_code == 200
    for used in (first, second):
        again = await visitor.post("/api/v1/setup", json=BODY | {"name": "eve", "code": used})
        assert again.status_code == 401
    assert not await link(reachable, capsys), "there is a user"


async def test_it_names_this_machine_as_other_machines_reach_it(
    reachable: Any, people: People, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone seldom knows the name."""

    def own_addresses() -> dict[str, list[SimpleNamespace]]:
        known = ("127.0.0.1", "169.254.7.7", "192.0.2.7", "198.51.100.9")
        return {"eth0": [SimpleNamespace(family=socket.AF_INET, address=each) for each in known]}

    monkeypatch.setattr(psutil, "net_if_addrs", own_addresses)
    await announce(reachable.state.context, "http://0.0.0.0:8080")
    links = re.findall(r"http://([^/]+):8080/#setup=(\S{32})\n", capsys.readouterr().err)
    assert [host for host, _ in links] == [socket.gethostname(), "192.0.2.7", "198.51.100.9"]
    assert len({code for _, code in links}) == 1


async def test_it_expires(
    reachable: Any, visitor: httpx.AsyncClient, people: People, capsys: pytest.CaptureFixture[str], world: World
) -> None:
    code = await link(reachable, capsys)
    world.bus.zadd(keys.SETUP_CODES, {digest(code): now_ms() - 1})
    assert (await visitor.post("/api/v1/setup", json=BODY | {"code": code})).status_code == 401


async def test_a_code_does_not_help_once_there_is_a_user(
    reachable: Any, visitor: httpx.AsyncClient, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await link(reachable, capsys)
    people.user("root", "admin")
    assert (await visitor.post("/api/v1/setup", json=BODY | {"code": code})).status_code == 409


@pytest.mark.parametrize("settings", [{"host": "127.0.0.1"}, {"host": "0.0.0.0", "api_token": "0123456789abcdef"}])
async def test_where_it_is_not_needed_there_is_none(
    bus_url: str, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(Settings(redis_url=bus_url, **settings))
    assert not await link(app, capsys)
    await app.state.context.store.bus.aclose()
