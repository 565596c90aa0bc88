"""What a browser keeps for us between two requests, and can neither read nor change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from redis.asyncio import Redis

from patchwatch.bus.link_secret import link_secret_async


class Seal:
    """Seals with a key of the installation's own secret, so that any process of the service opens it.

    Raises `BusUnavailableError`.
    """

    def __init__(self, bus: Redis) -> None:
        self._bus = bus

    async def closed(self, purpose: str, value: dict[str, Any], now_s: int) -> str:
        """A text for a cookie: letters, digits, '-' and '_'."""
        sealed = (await self._box(purpose)).encrypt_at_time(json.dumps(value).encode(), now_s)
        return sealed.decode().rstrip("=")

    async def opened(self, purpose: str, text: str, longest_s: int, now_s: int) -> dict[str, Any] | None:
        """None for what was not closed here for this purpose within ``longest_s``."""
        padded = text + "=" * (-len(text) % 4)
        try:
            data = (await self._box(purpose)).decrypt_at_time(padded.encode(), longest_s, now_s)
        except InvalidToken:
            return None
        value = json.loads(data)
        return value if isinstance(value, dict) else None

    async def _box(self, purpose: str) -> Fernet:
        secret = await link_secret_async(self._bus)
        key = hmac.digest(secret, f"login at a provider: {purpose}".encode(), hashlib.sha256)
        return Fernet(base64.urlsafe_b64encode(key))
