"""A browser that logs in at a provider, without a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from oidc_provider import OidcProvider


@dataclass
class Browser:
    """A client with cookies of its own, which names its origin."""

    client: httpx.AsyncClient
    provider: OidcProvider

    async def begin(self) -> str:
        """The address that the page leads the browser to."""
        answer = await self.client.post("/api/v1/oidc/logins")
        assert answer.status_code == 200, answer.text
        url: str = answer.json()["url"]
        return url

    async def back(self, url: str) -> httpx.Response:
        """The provider leads the browser back, without the cookies that `SameSite=Strict` keeps from it."""
        answer = await self.client.get(url)
        assert answer.status_code == 303, answer.text
        assert "code" not in answer.headers["location"]
        return answer

    async def log_in(self, subject: str, **changed: str) -> str | None:
        """Log in; returns why it failed, None where it did not."""
        await self.back(self.provider.approved(await self.begin(), subject, **changed))
        return await self.fault()

    async def fault(self) -> str | None:
        fault: str | None = (await self.client.get("/api/v1/login")).json().get("fault")
        return fault

    async def me(self) -> dict[str, Any] | None:
        answer = await self.client.get("/api/v1/me")
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == 200 else None


NewBrowser = Callable[..., Awaitable[Browser]]
