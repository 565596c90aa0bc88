from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from patchwatch import errors
from service.problem import status_of


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


async def test_every_error_is_a_problem(api: httpx.AsyncClient, world) -> None:
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


async def test_a_message_of_another_version_is_a_problem_too(api: httpx.AsyncClient, world) -> None:
    world.camera()
    world.bus.set(world.of("gate").capture, b"rubbish")
    assert (await api.get("/api/v1/cameras/gate/status")).status_code == 502
