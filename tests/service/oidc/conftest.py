"""A provider, and browsers that log in at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from oidc_browser import Browser, NewBrowser
from oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, oidc_provider
from people import HERE, People
from service_world import World

from patchwatch.contract.settings import Settings
from service.app import create_app


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as made:
        yield made


@pytest.fixture
def people(world: World, monkeypatch: pytest.MonkeyPatch) -> People:
    return People(world, monkeypatch)


@pytest.fixture
def oidc(settings: Settings, provider: OidcProvider) -> Settings:
    """The settings of an installation that knows the provider."""
    return settings.changed(
        oidc_issuer=provider.issuer, oidc_client_id=CLIENT_ID, oidc_client_secret=CLIENT_SECRET,
        oidc_roles="/admins=admin, /staff=viewer", oidc_label="Home",
    )  # fmt: skip


@pytest.fixture
async def browser(oidc: Settings, provider: OidcProvider) -> AsyncIterator[NewBrowser]:
    """A new browser, of an app with these settings; those without changes share one app."""
    async with AsyncExitStack() as stack:
        apps: dict[str, Any] = {}

        async def made(base: str = HERE, headers: dict[str, str] | None = None, **changes: Any) -> Browser:
            key = str(sorted(changes.items()))
            if key not in apps:
                apps[key] = create_app(oidc.changed(**changes))
                stack.push_async_callback(apps[key].state.context.store.bus.aclose)
                stack.callback(apps[key].state.context.passwords.stop)
            transport = httpx.ASGITransport(app=apps[key], raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url=base, headers={"Origin": base, **(headers or {})})
            return Browser(await stack.enter_async_context(client), provider)

        yield made
