"""The table of rights is whole, and holds for every route, role and camera. Routes are those of the app itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from app_routes import api_routes
from people import HERE, LogIn, People
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.user import UserRole
from patchwatch.messages.banks.enrolment import Enrolment
from service.access.authorization import authorize
from service.access.caller import Caller, CallerKind
from service.access.rights import RIGHTS, Reach, match
from service.app import create_app
from service.problems.errors import status_of

OWN, FOREIGN = "gate", "cellar"
ROUTES = api_routes(create_app(Settings(redis_url="redis://127.0.0.1:1")))
READS = [path for method, path in ROUTES if method == "GET"]
SCOPE_OF = {"viewer": "read", "operator": "operate", "admin": "admin"}


def test_the_app_has_routes_and_websockets() -> None:
    assert len(ROUTES) > 60
    assert {path for method, path in ROUTES if method == "WS"} >= {"/api/v1/ws/alerts", "/api/v1/ws/scores"}
    document = create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi()["paths"]
    shown = {(method.upper(), path) for path, methods in document.items() for method in methods}
    assert {route for route in shown if route[1].startswith(("/api/", "/metrics"))} <= set(ROUTES)


def test_every_route_has_its_line_in_the_table_of_rights() -> None:
    assert set(ROUTES) - RIGHTS.keys() == set(), "add a line to service/access/rights.py"


def test_a_route_is_found_by_its_own_line() -> None:
    """Also where another line would fit: what is spelt out comes before what is named."""
    for method, template in ROUTES:
        found = match(method, re.sub(r"\{[^}]*\}", "x", template))
        assert found is not None
        assert found.template == template


def test_what_is_open_is_the_way_in_and_no_more() -> None:
    assert {route for route, right in RIGHTS.items() if right.reach is Reach.OPEN} == {
        ("GET", "/api/v1/login"), ("POST", "/api/v1/setup"), ("POST", "/api/v1/sessions"),
        ("POST", "/api/v1/oidc/logins"), ("GET", "/api/v1/oidc/callback"),
    }  # fmt: skip


def test_a_route_about_one_camera_names_it() -> None:
    """Whoever sees some cameras only is checked by the name of a camera, alert or enrolment in the path."""
    for (method, template), right in RIGHTS.items():
        named = re.findall(r"\{(camera_id|alert_id|enrolment_id)\}", template)
        assert bool(named) == (right.reach is Reach.NAMED), (method, template)


def test_no_change_is_a_viewers_but_of_himself() -> None:
    for (method, template), right in RIGHTS.items():
        if method not in ("GET", "WS") and right.reach not in (Reach.OPEN, Reach.OWN):
            assert right.role is not UserRole.VIEWER, (method, template)
            assert right.audited or template.endswith("/what-if"), (method, template)


@pytest.fixture
async def site(settings: Settings, world: World, people: People) -> AsyncIterator[Any]:
    """Two cameras with an alert and an enrolment each."""
    for camera_id in (OWN, FOREIGN):
        world.camera(camera_id)
        world.capture(camera_id)
        world.analysis(camera_id)
        world.frame(1, camera_id)
        world.score(now_ms() - 1000, camera_id=camera_id)
        world.alert(1_000, camera_id)
        world.bus.set(keys.alert_picture(f"{camera_id}-1000"), world.picture)
        world.bus.set(keys.alert_explanation(f"{camera_id}-1000"), world.explanation(camera_id).encode())
        record = Enrolment(
            id=f"e-{camera_id}", camera_id=camera_id, profile="motion", analysis_fps=5.0, created_at_ms=1,
            updated_at_ms=1, live_seconds=60.0,
        )  # fmt: skip
        world.bus.hset(keys.ENROLMENT_RECORDS, record.id, record.encode())
    people.user("root", "admin")
    app = create_app(settings)
    yield app
    await app.state.context.store.bus.aclose()


async def test_role_and_camera_decide_over_every_route(site: Any) -> None:
    """All of them, by the same function that the service asks."""
    store = site.state.context.store
    seen: tuple[tuple[frozenset[str] | None, str], ...] = (
        (None, OWN),
        (None, FOREIGN),
        (frozenset({OWN}), OWN),
        (frozenset({OWN}), FOREIGN),
        (frozenset(), OWN),
    )
    for (method, template), role, (cameras, camera_id) in itertools.product(ROUTES, UserRole, seen):
        if role is UserRole.ADMIN and cameras is not None:
            continue
        found = match(method, _path(template, camera_id))
        assert found is not None
        caller = Caller(CallerKind.USER, "ada", role, cameras)
        status = 200
        try:
            await authorize(caller, found, store)
        except PatchwatchError as error:
            status = status_of(error)
        assert status == _expected(found.right, role, cameras, camera_id), (method, template, role, cameras, camera_id)


def _expected(right: Any, role: UserRole, cameras: frozenset[str] | None, camera_id: str) -> int:
    if right.reach is Reach.OPEN:
        return 200
    if not role.covers(right.role):
        return 403
    if cameras is None or right.reach in (Reach.OWN, Reach.SEEN):
        return 200
    if right.reach is Reach.SITE:
        return 403
    return 200 if camera_id in cameras else 404


def _path(template: str, camera_id: str) -> str:
    values = {"camera_id": camera_id, "alert_id": f"{camera_id}-1000", "enrolment_id": f"e-{camera_id}", "name": "root"}
    return re.sub(r"\{([^}]*)\}", lambda named: values.get(named[1], "0a1b2c3d4e5f"), template)


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
async def test_over_http_the_same_holds(site: Any, people: People, role: str) -> None:
    """Every route is asked for as a token of each scope: refused ones with 403, the others by the route itself."""
    async with _client(site, people.token(SCOPE_OF[role])) as client:
        for method, template in ROUTES:
            right = RIGHTS[method, template]
            if method == "WS" or right.reach is Reach.OPEN or (method == "DELETE" and role == "admin"):
                continue
            answer = await client.request(method, _path(template, OWN), json={"nonsense": True})
            refused = not UserRole(role).covers(right.role)
            words = answer.json().get("detail", "") if answer.status_code == 403 else ""
            assert words.startswith("this takes the role") == refused, (method, template, answer.text)


@pytest.mark.parametrize("scope", ["read", "operate"])
async def test_nothing_tells_of_a_camera_that_one_does_not_see(site: Any, people: People, scope: str) -> None:
    async with _client(site, people.token(scope, (OWN,))) as client:
        for template in READS:
            answer = await client.get(_path(template, OWN))
            assert FOREIGN not in answer.text, template
        for method, template in ROUTES:
            if RIGHTS[method, template].reach is Reach.NAMED and method != "WS":
                path = _path(template, FOREIGN)
                answer = await client.request(method, path, json={})
                assert answer.status_code in (403, 404), (method, template)
                missing = await client.request(method, path.replace(FOREIGN, "attic"), json={})
                assert answer.text.replace(FOREIGN, "attic") == missing.text, "as if it did not exist"
        assert [one["id"] for one in (await client.get("/api/v1/cameras")).json()["cameras"]] == [OWN]
        assert (await client.get("/api/v1/alerts", params={"camera": FOREIGN})).status_code == 422
        alerts = (await client.get("/api/v1/alerts")).json()["alerts"]
        assert [one["camera_id"] for one in alerts] == [OWN]


async def test_without_any_camera_there_is_nothing(site: Any, people: People) -> None:
    async with _client(site, people.token("read", ())) as client:
        for path in ("cameras", "alerts", "enrolments"):
            assert next(iter((await client.get(f"/api/v1/{path}")).json().values())) == []


async def test_nobody_is_told_anything(site: Any) -> None:
    async with _client(site, "") as client:
        for method, template in ROUTES:
            if method != "WS" and RIGHTS[method, template].reach is not Reach.OPEN:
                answer = await client.request(method, _path(template, OWN), json={})
                assert answer.status_code == 401, (method, template)
        assert (await client.get("/readyz")).json().get("workers", []) == []


async def test_an_operator_does_not_choose_where_the_service_connects_to(site: Any, people: People) -> None:
    async with _client(site, people.token("operate", (OWN,))) as client:
        moved = await client.patch(f"/api/v1/cameras/{OWN}", json={"source": "rtsp://10.0.0.1/x"})
        assert moved.status_code == 403
        assert (await client.patch(f"/api/v1/cameras/{OWN}", json={"false_alarms_per_day": 2})).status_code == 200


async def test_a_path_without_a_line_is_refused_to_all_but_admins(site: Any, people: People) -> None:
    async with _client(site, people.token("operate")) as client:
        assert (await client.get("/api/v1/forgotten")).status_code == 404
        assert "see /docs" in (await client.get("/api/v1/forgotten")).json()["detail"]


def _client(app: Any, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HERE, headers=headers)


async def test_alerts_of_cameras_that_one_does_not_see_are_not_judged_together_with_others(
    site: Any, people: People, browser: LogIn, world: World
) -> None:
    people.user("olga", "operator", cameras=(OWN,))
    olga = await browser("olga")
    ids = [f"{OWN}-7000", f"{FOREIGN}-7000"]
    for camera_id in (OWN, FOREIGN):
        world.alert(7000, camera_id)
    said = (await olga.post("/api/v1/verdicts", json={"verdict": "normal", "alert_ids": ids})).json()
    assert [alert["id"] for alert in said["judged"]] == ids[:1]
    assert "there is no alert" in said["refused"][0]["reason"]
    assert world.bus.get(keys.alert_verdicts(ids[1])) is None
