"""API tokens: shown once, limited, ended."""

from __future__ import annotations

import httpx
import pytest
from people import LogIn, People
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import ApiToken
from service.app import create_app


@pytest.fixture
async def root(browser: LogIn, people: People) -> httpx.AsyncClient:
    people.user("root", "admin")
    return await browser("root")


async def test_a_token_is_shown_once_and_stored_as_a_digest(root: httpx.AsyncClient, world: World) -> None:
    world.camera("gate")
    body = {"name": "Home Assistant", "scope": "operate", "cameras": ["gate"], "expires_days": 30}
    made = (await root.post("/api/v1/tokens", json=body)).json()
    assert made["created_by"] == "root"
    assert made["last_used"] is None
    stored = world.field(keys.TOKENS, made["id"])
    assert made["token"][-43:].encode() not in stored
    [listed] = (await root.get("/api/v1/tokens")).json()["tokens"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert (await root.post("/api/v1/tokens", json=body)).status_code == 409


async def test_it_works_without_cookie_and_origin_until_it_is_removed(
    root: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    made = (await root.post("/api/v1/tokens", json={"name": "script", "scope": "admin"})).json()
    api.headers["Authorization"] = f"Bearer {made['token']}"
    assert (await api.get("/api/v1/me")).json() == {"name": "script", "kind": "token", "role": "admin", "cameras": None}
    assert (await api.post("/api/v1/cameras", json={"id": "gate"})).status_code == 201
    assert (await root.get(f"/api/v1/tokens/{made['id']}")).json()["last_used"] is not None
    assert (await root.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await api.get("/api/v1/me")).status_code == 401


async def test_an_expired_one_says_so(root: httpx.AsyncClient, api: httpx.AsyncClient, people: People) -> None:
    api.headers["Authorization"] = f"Bearer {people.token(name='old', expires_at_ms=now_ms() - 1)}"
    answer = await api.get("/api/v1/me")
    assert answer.status_code == 401
    assert "'old' has expired" in answer.json()["detail"]


@pytest.mark.parametrize("wrong", ["pw_", "pw_0a1b2c3d4e5f_" + "x" * 43, "é" * 20, "x" * 9000])
async def test_what_is_no_token_opens_nothing(
    root: httpx.AsyncClient, api: httpx.AsyncClient, people: People, wrong: str
) -> None:
    api.headers["Authorization"] = f"Bearer {wrong}".encode().decode("latin-1")
    assert (await api.get("/api/v1/me")).status_code == 401
    right = people.token()
    api.headers["Authorization"] = f"Bearer {right[:-1]}{'a' if right[-1] != 'a' else 'b'}"
    assert (await api.get("/api/v1/me")).status_code == 401


async def test_an_admins_token_is_not_limited_to_cameras(root: httpx.AsyncClient, world: World) -> None:
    world.camera("gate")
    answer = await root.post("/api/v1/tokens", json={"name": "x", "scope": "admin", "cameras": ["gate"]})
    assert answer.status_code == 422
    assert (await root.post("/api/v1/tokens", json={"name": "x", "cameras": ["nowhere"]})).status_code == 422


async def test_the_one_of_the_settings_stays_an_admins(bus_url: str, people: People) -> None:
    people.user("root", "admin")
    app = create_app(Settings(redis_url=bus_url, api_token="0123456789abcdef"))
    headers = {"Authorization": "Bearer 0123456789abcdef"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://cams.example", headers=headers) as client:
        assert (await client.get("/api/v1/me")).json()["role"] == "admin"
        assert (await client.post("/api/v1/users", json={"name": "b", "password": "a long password"})).is_success
    await app.state.context.store.bus.aclose()


async def test_a_damaged_record_is_no_token(root: httpx.AsyncClient, api: httpx.AsyncClient, world: World) -> None:
    made = (await root.post("/api/v1/tokens", json={"name": "script"})).json()
    token = ApiToken.decode(world.field(keys.TOKENS, made["id"]))
    world.bus.hset(keys.TOKENS, made["id"], token.encode().replace(b"read", b"everything"))
    api.headers["Authorization"] = f"Bearer {made['token']}"
    assert (await api.get("/api/v1/me")).status_code == 401
