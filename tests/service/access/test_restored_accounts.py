"""Accounts after a restore: whoever could come in before still can, with the same secrets and the same rights."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from people import HERE, People, log_in
from pydantic import SecretStr
from service_world import World, now_ms

from patchwatch.backup.making import Contents, make_backup
from patchwatch.backup.restoring import restore
from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.access.user import ProviderIdentity
from service.app import create_app

ACCOUNTS = (keys.USERS, keys.TOKENS, keys.TOKENS_USED)


@pytest.fixture
def empty_site(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Another installation, in which nothing is yet."""
    with private_redis() as url:
        yield settings.model_copy(update={"redis_url": SecretStr(url), "data_dir": tmp_path / "other"})


@pytest.fixture
async def restored(empty_site: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its service."""
    app = create_app(empty_site)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client
    await app.state.context.store.bus.aclose()


def move(site: Settings, empty_site: Settings, path: Path) -> None:
    """Back one installation up, and restore it into the other."""
    make_backup(site, site.shared_redis_url, path, Contents())
    restore(empty_site, empty_site.shared_redis_url, path, replace=False)


def accounts_of(site: Settings) -> dict[str, Any]:
    with connect(site.shared_redis_url) as client:
        return {key: client.hgetall(key) for key in ACCOUNTS}


def populate(world: World, people: People) -> None:
    """Users of every kind."""
    for camera_id in ("gate", "yard"):
        world.camera(camera_id)
    people.user("ada", "admin")
    people.user("ben", "operator", ("gate",))
    people.user("cem", "viewer")
    people.user("dot", "viewer", (), disabled=True)
    people.user("eva", "operator", identity=ProviderIdentity(issuer="https://sso.example", subject="7"))


async def test_users_have_the_passwords_and_rights_that_they_had(
    world: World, people: People, settings: Settings, empty_site: Settings, restored: httpx.AsyncClient, tmp_path: Path
) -> None:
    populate(world, people)
    move(settings, empty_site, tmp_path / "b.zip")
    assert accounts_of(empty_site) == accounts_of(settings)
    seen = {}
    for name in ("ada", "ben", "cem", "dot", "eva"):
        restored.cookies.clear()
        if (await log_in(restored, name)).status_code == 201:
            cameras = (await restored.get("/api/v1/cameras")).json()["cameras"]
            role = (await restored.get("/api/v1/me")).json()["role"]
            seen[name] = role, [camera["id"] for camera in cameras]
    both = ["gate", "yard"]
    assert seen == {"ada": ("admin", both), "ben": ("operator", ["gate"]), "cem": ("viewer", both)}
    assert (await log_in(restored, "ada", "another horse battery staple")).status_code == 401


async def test_tokens_are_good_and_logins_have_ended(
    world: World,
    people: People,
    settings: Settings,
    api: httpx.AsyncClient,
    empty_site: Settings,
    restored: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    populate(world, people)
    good = people.token("read", ("gate",)), people.token("admin", expires_at_ms=now_ms() + 3_600_000)
    ended = people.token("admin", expires_at_ms=now_ms() - 1)
    await log_in(api, "ada")
    await api.get("/api/v1/me", headers={"Authorization": f"Bearer {good[0]}"})
    move(settings, empty_site, tmp_path / "b.zip")
    assert accounts_of(empty_site) == accounts_of(settings)

    async def status(token: str, path: str = "/api/v1/cameras/gate") -> int:
        return (await restored.get(path, headers={"Authorization": f"Bearer {token}"})).status_code

    assert [await status(token) for token in good] == [200, 200]
    assert [await status(token, "/api/v1/users") for token in good] == [403, 200]
    assert await status(good[0], "/api/v1/cameras/yard") == 404
    assert await status(ended) == 401
    assert (await restored.get("/api/v1/cameras")).status_code == 401, "it is not open, as one without users is"
    restored.cookies = api.cookies
    assert (await restored.get("/api/v1/me")).status_code == 401
