"""What Redis holds of users, damaged or gone: nobody gets in who should not."""

from __future__ import annotations

import httpx
import pytest
from people import LogIn, People, log_in
from service_world import World

from patchwatch.bus import keys

NO_PROVIDER = {"provider": None, "fault": None}


async def test_without_users_this_machine_is_let_in_and_with_the_first_one_nobody(
    api: httpx.AsyncClient, people: People
) -> None:
    assert (await api.get("/api/v1/me")).json() == {"name": "local", "kind": "local", "role": "admin", "cameras": None}
    assert (await api.get("/api/v1/login")).json() == {"password": False, "setup": False, **NO_PROVIDER}
    people.user("ada", "admin")
    answer = await api.get("/api/v1/cameras")
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("log in at the page")
    assert (await api.get("/api/v1/login")).json() == {"password": True, "setup": False, **NO_PROVIDER}


async def test_the_first_user_is_made_on_the_machine_itself(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/users", json={"name": "eve", "role": "admin", "password": "a long password"})
    assert answer.status_code == 409
    assert "patchwatch users add" in answer.json()["detail"]


@pytest.mark.parametrize("damaged", [b"", b"{}", b"\xff\xfe", b'{"version": 99, "name": "ada"}'])
async def test_a_user_who_cannot_be_read_keeps_the_door_shut(
    browser: LogIn, api: httpx.AsyncClient, people: People, world: World, damaged: bytes
) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    world.bus.hset(keys.USERS, "ada", damaged)
    for client in (ada, api):
        assert (await client.get("/api/v1/cameras")).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401


@pytest.mark.parametrize("key", [keys.USERS, keys.SESSIONS])
async def test_a_key_of_another_kind_is_refused_with_the_remedy(
    browser: LogIn, people: People, world: World, key: str
) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    world.bus.delete(key)
    world.bus.set(key, b"x")
    answer = await ada.get("/api/v1/cameras")
    assert answer.status_code == 503
    assert "nobody is let in" in answer.json()["detail"]


async def test_a_damaged_login_ends(browser: LogIn, people: People, world: World) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    digest = world.names(keys.SESSIONS)[0]
    world.bus.hset(keys.SESSIONS, digest, b"{")
    assert (await ada.get("/api/v1/me")).status_code == 401
    assert (await log_in(ada, "ada")).status_code == 201


async def test_there_is_always_an_admin_who_can_log_in(browser: LogIn, people: People) -> None:
    people.user("ada", "admin")
    people.user("bob", "operator")
    ada = await browser("ada")
    for change in ({"role": "viewer"}, {"disabled": True}):
        assert (await ada.patch("/api/v1/users/ada", json=change)).status_code == 409
    assert (await ada.delete("/api/v1/users/ada")).status_code == 409
    assert (await ada.patch("/api/v1/users/bob", json={"role": "admin"})).status_code == 200
    assert (await ada.delete("/api/v1/users/ada")).status_code == 204


async def test_users_are_kept_when_the_service_starts_again(
    browser: LogIn, api: httpx.AsyncClient, people: People
) -> None:
    """Another app on the same Redis, as after a restart: also the login goes on."""
    people.user("ada", "admin")
    ada = await browser("ada")
    api.cookies = ada.cookies
    assert (await api.get("/api/v1/me")).json()["name"] == "ada"
