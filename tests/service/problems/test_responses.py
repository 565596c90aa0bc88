from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import redis
from service_world import World

from patchwatch.contract import errors
from service.problems.errors import status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFoundError("x"), 404),
        (errors.ConflictError("x"), 409),
        (errors.SourceRejectedError("x", reason="bad_url"), 422),
        (errors.InsufficientFootageError("x"), 422),
        (errors.OverloadedError("x"), 429),
        (errors.BusUnavailableError("x"), 503),
        (errors.FatalError("x"), 500),
    ],
)
def test_the_nearest_class_decides_the_status(error: errors.PatchwatchError, status: int) -> None:
    assert status_of(error) == status


async def test_every_error_is_a_problem(api: httpx.AsyncClient, world: World) -> None:
    for answer in (
        await api.get("/nowhere"),
        await api.put("/api/v1/cameras"),
        await api.post("/api/v1/cameras", content=b"{", headers={"Content-Type": "application/json"}),
    ):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert {"type", "title", "detail", "instance"} <= answer.json().keys()


async def test_an_endless_body_is_refused(api: httpx.AsyncClient) -> None:
    for content in (b" " * 1_000_001, _pieces()):
        answer = await api.post("/api/v1/cameras", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:patchwatch:problem:content-too-large"


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b" " * 100_000


@pytest.mark.parametrize("rubbish", [b"rubbish", b"", b"[" * 10_000, b'{"version": 99}', b"\xff"])
async def test_records_that_cannot_be_read_are_left_out_and_fail_no_request(
    rubbish: bytes, api: httpx.AsyncClient, world: World
) -> None:
    world.camera()
    world.bus.hset("pw:cameras", "other", rubbish)
    world.bus.set(world.keys_of("gate").capture, rubbish)
    world.bus.hset(world.keys_of("gate").counters, mapping={"scored": rubbish, b"dropped:\xff": 3})
    world.score(1_800_000_000_000)
    world.bus.xadd(world.keys_of("gate").scores, {b"s": rubbish, b"n": b"motion"})
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert (status["health"], status["capture"], status["last_score"]) == ("unattended", None, None)
    assert [one["id"] for one in (await api.get("/api/v1/cameras")).json()["cameras"]] == ["gate"]
    assert (await api.get("/api/v1/cameras/other")).status_code == 404
    assert (await api.get("/metrics")).status_code == 200
    series = (await api.get("/api/v1/cameras/gate/scores?from=1800000000000")).json()
    assert len(series["points"]) == 1


async def test_a_full_redis_refuses_changes_and_says_when_to_try_again(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*arguments: object, **options: object) -> None:
        raise redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr("redis.asyncio.client.Pipeline.execute", full)
    answer = await api.post("/api/v1/cameras", json={"id": "gate"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:patchwatch:problem:bus-full")
    assert int(answer.headers["retry-after"]) > 0
    assert "patchwatch doctor" in answer.json()["detail"]
