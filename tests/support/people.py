"""Users of the service for tests, and browsers that are logged in as them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from argon2 import PasswordHasher
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.access.api_token import ApiToken, Scope, new_token
from patchwatch.messages.access.user import User, UserRole
from service.access import passwords

PASSWORD = "correct horse battery staple"
HERE = "http://127.0.0.1"
LogIn = Callable[[str], Awaitable[httpx.AsyncClient]]  # a new browser, logged in as a user
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class People:
    """Writes users and tokens to Redis, as the service would; passwords cost next to nothing."""

    def __init__(self, world: World, monkeypatch: Any) -> None:
        self._bus = world.bus
        monkeypatch.setattr(passwords, "_HASHER", CHEAP)
        self._hash = passwords.hash_password(PASSWORD)

    def user(self, name: str, role: str = "viewer", cameras: tuple[str, ...] | None = None, **fields: Any) -> User:
        user = User(
            name=name, role=UserRole(role), cameras=cameras, password_hash=self._hash, created_at_ms=_now_ms(), **fields
        )  # fmt: skip
        self._bus.hset(keys.USERS, name, user.encode())
        return user

    def token(self, scope: str = "read", cameras: tuple[str, ...] | None = None, **fields: Any) -> str:
        text, token_id, stored = new_token()
        token = ApiToken(
            id=token_id, name=fields.pop("name", f"{scope} {token_id}"), scope=Scope(scope), digest=stored,
            cameras=cameras, created_at_ms=_now_ms(), **fields,
        )  # fmt: skip
        self._bus.hset(keys.TOKENS, token_id, token.encode())
        return text


async def log_in(api: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    """Log the client in as a browser: its cookies go with every later request, and it names its origin."""
    api.headers["Origin"] = str(api.base_url).rstrip("/")
    return await api.post("/api/v1/sessions", json={"name": name, "password": password})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
