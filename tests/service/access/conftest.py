"""Users, and clients that are logged in as them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from people import HERE, LogIn, People, log_in
from service_world import World

from patchwatch.contract.settings import Settings
from service.app import create_app


@pytest.fixture
def people(world: World, monkeypatch: pytest.MonkeyPatch) -> People:
    return People(world, monkeypatch)


@pytest.fixture
async def browser(settings: Settings) -> AsyncIterator[LogIn]:
    """A new browser that is logged in as a user; all of one app."""
    async with AsyncExitStack() as stack:
        app = create_app(settings)
        stack.push_async_callback(app.state.context.store.bus.aclose)
        stack.callback(app.state.context.passwords.stop)

        async def made(name: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=HERE))
            if name:
                assert (await log_in(client, name)).status_code == 201
            return client

        yield made
