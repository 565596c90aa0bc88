"""Whatever a client can make grow has a limit, and refusals are quick and short."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.webhook import MAX_WEBHOOKS
from patchwatch.messages.cameras.camera import MAX_CAMERAS, Camera
from service.store.cameras.statuses import StatusStore

MANY = 300_000
WEBHOOK = {"id": "home", "url": "https://10.0.0.7/hook"}
HUGE_BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "kinds": ("POST", "/api/v1/webhooks", {**WEBHOOK, "kinds": ["x"] * 200_000}),
    "right kinds": ("POST", "/api/v1/webhooks", {**WEBHOOK, "kinds": ["frozen"] * 90_000}),
    "states": ("POST", "/api/v1/webhooks", {**WEBHOOK, "states": [1] * MANY}),
    "cameras": ("POST", "/api/v1/webhooks", {**WEBHOOK, "cameras": [""] * 200_000}),
    "a camera": ("POST", "/api/v1/webhooks", {**WEBHOOK, "cameras": ["a" * 900_000]}),
    "secret": ("POST", "/api/v1/webhooks", {**WEBHOOK, "secret": "whsec_" + "A" * 900_000}),
    "url": ("POST", "/api/v1/webhooks", {**WEBHOOK, "url": "https://" + "a" * 900_000}),
    "id": ("POST", "/api/v1/cameras", {"id": "a" * 900_000}),
    "name": ("POST", "/api/v1/cameras", {"id": "a", "name": "a" * 900_000}),
    "username": ("POST", "/api/v1/cameras", {"id": "a", "publish_username": "a" * 900_000, "publish_password": "b"}),
    "password": ("POST", "/api/v1/cameras", {"id": "a", "publish_username": "a", "publish_password": "b" * 900_000}),
    "profile": ("POST", "/api/v1/cameras", {"id": "a", "profile": "a" * 900_000}),
    "source": ("PATCH", "/api/v1/cameras/gate", {"source": "x" * 900_000}),
    "unknown fields": ("PATCH", "/api/v1/cameras/gate", {f"f{n}": 1 for n in range(60_000)}),
    "sources": ("POST", "/api/v1/cameras/gate/enrolments", {"sources": ["x"] * 200_000}),
    "a source": ("POST", "/api/v1/cameras/gate/enrolments", {"sources": ["x" * 900_000]}),
    "letters": ("POST", "/api/v1/webhooks/home/dead/retry", {"ids": ["x"] * 200_000}),
    "a letter": ("POST", "/api/v1/webhooks/home/dead/retry", {"ids": ["1" * 900_000]}),
}


@pytest.mark.parametrize("name", HUGE_BODIES)
async def test_a_huge_value_gets_a_short_refusal(api: httpx.AsyncClient, world: World, name: str) -> None:
    world.camera()
    await api.post("/api/v1/webhooks", json={**WEBHOOK})
    method, path, body = HUGE_BODIES[name]
    began_s = time.process_time()
    answer = await api.request(method, path, json=body if "id" not in body else {**body, "id": body["id"]})
    assert answer.status_code == 422
    assert len(answer.content) < 5000
    assert time.process_time() - began_s < 2.0, "it took 5 to 18 s, during which nobody else was answered"


@pytest.mark.parametrize(
    "query",
    [
        "scores?after=99999999999999999999-0", "scores?after=0-99999999999999999999", "scores?after=٣-٣",
        "scores?resolution=٣", "scores?from=" + "9" * 5000, "scores?limit=" + "9" * 5000, "scores?from=٣٣٣٣",
    ],
)  # fmt: skip
async def test_a_position_that_redis_would_not_take_is_refused(
    api: httpx.AsyncClient, world: World, query: str
) -> None:
    world.camera()
    status = (await api.get(f"/api/v1/cameras/gate/{query}")).status_code
    assert status == (200 if query.startswith("scores?from=٣") else 422)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/alerts?before=99999999999999999999:a", "/api/v1/alerts?before=٣:a",
     "/api/v1/webhooks/home/dead?after=٣-٣", "/api/v1/webhooks/home/dead?after=99999999999999999999-0"],
)  # fmt: skip
async def test_a_position_in_a_list_is_checked(api: httpx.AsyncClient, world: World, path: str) -> None:
    await api.post("/api/v1/webhooks", json=WEBHOOK)
    assert (await api.get(path)).status_code == 422


@pytest.mark.parametrize("path", ["/{}", "/page/{}", "/api/v1/alerts/{}", "/api/v1/alerts?kind={}", "/healthz?{}"])
async def test_a_long_address_is_refused_before_it_is_parsed(api: httpx.AsyncClient, path: str) -> None:
    began_s = time.process_time()
    answer = await api.get(path.format("a" * 60_000))
    assert answer.status_code == 414
    assert len(answer.content) < 5000
    assert time.process_time() - began_s < 0.5


async def test_many_wrong_values_in_a_query_get_a_short_answer(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/alerts?" + "&".join(["kind=x"] * 2000))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 20
    assert len(answer.content) < 10_000


def stock(world: World, count: int) -> None:
    with world.bus.pipeline() as pipe:
        for number in range(count):
            camera = Camera(id=f"cam{number}")
            pipe.hset(keys.CAMERAS, camera.id, camera.encode())
        pipe.execute()


async def test_the_number_of_cameras_is_limited(api: httpx.AsyncClient, world: World) -> None:
    stock(world, MAX_CAMERAS)
    answer = await api.post("/api/v1/cameras", json={"id": "more"})
    assert answer.status_code == 409
    assert "remove a camera first" in answer.json()["detail"]
    assert (await api.delete("/api/v1/cameras/cam0")).status_code == 204
    assert (await api.post("/api/v1/cameras", json={"id": "more"})).status_code == 201


async def test_the_number_of_webhooks_is_limited(api: httpx.AsyncClient, world: World) -> None:
    for number in range(MAX_WEBHOOKS):
        assert (await api.post("/api/v1/webhooks", json={**WEBHOOK, "id": f"w{number}"})).status_code == 201
    assert (await api.post("/api/v1/webhooks", json={**WEBHOOK, "id": "more"})).status_code == 409


async def test_unanswered_tests_leave_connections_for_others(api: httpx.AsyncClient, world: World, until: Any) -> None:
    await api.post("/api/v1/webhooks", json=WEBHOOK)
    trials = [asyncio.create_task(api.post("/api/v1/webhooks/home/test")) for _ in range(80)]
    await until(lambda: sum(trial.done() for trial in trials) >= 70)
    assert {trial.result().status_code for trial in trials if trial.done()} == {429}
    assert (await api.get("/api/v1/cameras")).status_code == 200
    for trial in trials:
        trial.cancel()
    await asyncio.gather(*trials, return_exceptions=True)


async def test_concurrent_requests_for_heartbeats_share_one_scan(
    settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.beat("ingest")
    assert settings.redis_url is not None
    store = StatusStore(connect_async(settings.redis_url.get_secret_value()), settings.partitions)
    scans = 0
    scan = StatusStore._read_heartbeats

    async def counted(self: StatusStore) -> Any:
        nonlocal scans
        scans += 1
        return await scan(self)

    monkeypatch.setattr(StatusStore, "_read_heartbeats", counted)
    answers = await asyncio.gather(*(store.heartbeats() for _ in range(50)))
    assert [len(heartbeats) for heartbeats in answers] == [1] * 50
    assert scans == 1
    monkeypatch.setattr("service.store.cameras.statuses._SLOW_SCAN_S", 0.0)  # as with very many keys
    await store.heartbeats()
    await store.heartbeats()
    assert scans == 2
    await store._bus.aclose()
