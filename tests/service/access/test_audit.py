"""The audit log: every changing route leaves an entry, with what was before and after, and without secrets."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from app_routes import api_routes
from people import LogIn, People, log_in
from service_world import World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.audit_entry import MAX_CHANGES, AuditEntry
from service.access.audit_log import bounded, changes_between
from service.access.rights import RIGHTS
from service.app import create_app
from service.middleware.audit import AuditMiddleware

CHANGING = [
    route
    for route in api_routes(create_app(Settings(redis_url="redis://127.0.0.1:1")))
    if route[0] not in ("GET", "WS")
]
NOT_NOTED = {"POST /api/v1/cameras/{camera_id}/what-if"}  # changes nothing
BY_THEMSELVES = {"POST /api/v1/sessions", "POST /api/v1/setup", "POST /api/v1/oidc/logins"}  # they know who comes in


@pytest.fixture
async def root(browser: LogIn, people: People) -> httpx.AsyncClient:
    people.user("root", "admin")
    return await browser("root")


async def entries(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/v1/audit?limit=1000")).json()["entries"]
    return found


async def test_every_changing_route_leaves_an_entry(api: httpx.AsyncClient, settings: Settings, world: World) -> None:
    """Whatever the route does: what is noted does not depend on it."""
    app = create_app(settings)

    async def done(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    context = app.state.context
    noted = AuditMiddleware(done, context.store.access.audit, context.authenticator)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=noted), base_url="http://127.0.0.1") as client:
        for method, template in CHANGING:
            await client.request(method, re.sub(r"\{[^}]*\}", "x", template))
    actions = {entry["action"] for entry in await entries(api)}
    await context.store.bus.aclose()
    assert actions == {" ".join(route) for route in CHANGING} - NOT_NOTED - BY_THEMSELVES
    assert {" ".join(route) for route, right in RIGHTS.items() if not right.audited} == NOT_NOTED | BY_THEMSELVES


async def test_an_entry_says_who_from_where_and_what_before_and_after(root: httpx.AsyncClient) -> None:
    await root.post("/api/v1/cameras", json={"id": "gate", "source": "rtsp://me:hunter2@10.0.0.7/stream1"})
    await root.patch(
        "/api/v1/cameras/gate", json={"name": "Back gate", "publish_password": "hunter2", "publish_username": "u"}
    )
    await root.delete("/api/v1/cameras/gate")
    deleted, changed, made, login = await entries(root)
    assert (login["action"], login["who"], login["via"]) == ("login", "root", "user")
    assert {entry["who"] for entry in (deleted, changed, made)} == {"root"}
    assert {entry["address"] for entry in (deleted, changed, made)} == {"127.0.0.1"}
    assert made["action"] == "POST /api/v1/cameras"
    assert made["changes"]["source"] == {"before": None, "after": '"rtsp://***@10.0.0.7/stream1"'}
    assert changed["path"] == "/api/v1/cameras/gate"
    assert changed["changes"]["name"] == {"before": '""', "after": '"Back gate"'}
    assert changed["changes"]["publish_password"] == {"before": None, "after": '"***"'}
    assert deleted["changes"]["id"] == {"before": '"gate"', "after": None}
    assert "hunter2" not in str((deleted, changed, made))


async def test_what_was_refused_changed_nothing_but_refused_logins_are_kept(
    root: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    await root.post("/api/v1/cameras", json={"id": "NO"})
    await log_in(api, "root", "wrong password")
    refused, login = await entries(root)
    assert (refused["action"], refused["who"], refused["status"]) == ("login refused", "root", 401)
    assert login["action"] == "login"


async def test_a_new_password_is_named_and_not_told(root: httpx.AsyncClient, people: People) -> None:
    people.user("bob", "viewer")
    await root.patch("/api/v1/users/bob", json={"password": "another long password", "role": "operator"})
    changed = (await entries(root))[0]
    assert changed["changes"] == {
        "password": {"before": "***", "after": "***"},
        "role": {"before": '"viewer"', "after": '"operator"'},
    }


async def test_verdicts_carry_the_name_of_who_gave_them(root: httpx.AsyncClient, world: World) -> None:
    world.camera("gate")
    world.alert(1000)
    given = await root.put("/api/v1/alerts/gate-1000/verdict", json={"verdict": "normal"})
    assert given.json()["verdict"]["by"] == "root", given.text


async def test_the_log_is_read_page_by_page_and_bounded(root: httpx.AsyncClient, world: World) -> None:
    for number in range(3):
        await root.post("/api/v1/cameras", json={"id": f"c{number}"})
    page = (await root.get("/api/v1/audit?limit=2")).json()
    rest = (await root.get(page["next"])).json()
    assert [len(page["entries"]), len(rest["entries"])] == [2, 2]
    world.bus.xadd(keys.AUDIT, {b"a": b"damaged"})
    assert len(await entries(root)) == 4, "what cannot be read is left out"


def test_nothing_named_like_a_secret_is_shown() -> None:
    value = {"a": {"api_token": "x1", "list": [{"secret": "x2"}]}, "password": "x3", "Authorization_token": "x4"}
    shown = str(changes_between(None, value))
    assert not [secret for secret in ("x1", "x2", "x3", "x4") if secret in shown]


def test_an_entry_is_bounded_whatever_is_changed() -> None:
    wide = bounded(changes_between(None, {f"field{number}": "x" for number in range(500)}))
    assert len(wide) == MAX_CHANGES
    assert wide["..."] == (None, "461 more")
    long = bounded(changes_between({}, {f"field{number}": "x" * 9000 for number in range(30)}))
    assert sum(len(new or "") for _, new in long.values()) < 7000
    entry = AuditEntry(at_ms=1, who="ada", via="user", action="POST /x", changes=long)
    assert len(entry.encode()) < 10_000


async def test_before_there_are_users_changes_are_noted_too(api: httpx.AsyncClient) -> None:
    await api.post("/api/v1/cameras", json={"id": "gate"})
    [entry] = await entries(api)
    assert (entry["who"], entry["via"]) == ("local", "local")
