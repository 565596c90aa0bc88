from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from service_world import World

from patchwatch.contract.access_policy import asks_everybody, check_token
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from service.app import create_app


@pytest.fixture
async def guarded(bus_url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(redis_url=bus_url, api_token="s3cret"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://patchwatch.example") as client:
        yield client
    await app.state.context.store.bus.aclose()


async def test_a_token_guards_the_api_and_the_metrics(guarded: httpx.AsyncClient) -> None:
    for path in ("/api/v1/cameras", "/api/v1/nothing", "/metrics"):
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            answer = await guarded.get(path, headers=header)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["type"] == "urn:patchwatch:problem:unauthorized"
            assert "s3cret" not in answer.text
    assert (await guarded.get("/api/v1/cameras?token=s3cret")).status_code == 401, "in an address it would be logged"
    assert (await guarded.get("/api/v1/cameras", headers={"Authorization": "Bearer s3cret"})).status_code == 200


async def test_health_and_the_page_stay_open(guarded: httpx.AsyncClient) -> None:
    assert (await guarded.get("/healthz")).status_code == 200
    assert (await guarded.get("/")).status_code == 200


async def test_without_a_token_only_this_machine_and_no_foreign_page_may_use_the_api(
    api: httpx.AsyncClient, world: World
) -> None:
    foreign = await api.get("/api/v1/cameras", headers={"Host": "evil.example"})
    assert foreign.status_code == 403
    body = {"id": "gate"}
    page = await api.post("/api/v1/cameras", json=body, headers={"Origin": "https://evil.example"})
    assert page.status_code == 403
    own = await api.post("/api/v1/cameras", json=body, headers={"Origin": "http://127.0.0.1"})
    assert own.status_code == 201


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "patchwatch.example"])
def test_an_address_beyond_loopback_is_open_to_nobody_without_a_proof(host: str) -> None:
    assert asks_everybody(Settings(host=host))
    assert asks_everybody(Settings(host=host, api_token="0123456789abcdef"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_token(host: str) -> None:
    assert not asks_everybody(Settings(host=host))
    assert asks_everybody(Settings(host=host, api_token="0123456789abcdef"))
    with pytest.raises(ConfigurationError, match="empty"):
        check_token(Settings(host=host, api_token=""))


@pytest.mark.parametrize("header", ["Host", "Origin"])
async def test_a_malformed_host_is_forbidden(api: httpx.AsyncClient, header: str) -> None:
    answer = await api.post("/api/v1/cameras", json={"id": "gate"}, headers={header: "http://[::"})
    assert answer.status_code == 403
