"""API tokens: their records, with digests in place of the tokens."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.bus.writes import transact_async
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.access.api_token import MAX_TOKENS, ApiToken
from service.store.access.damage import closed_when_damaged

_TRIES = 20  # a change is tried again when another one interferes


class TokenStore:
    """Reads and changes `keys.TOKENS`. Raises `BusUnavailableError`, `DamagedError`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def all(self) -> list[tuple[ApiToken, int]]:
        """All tokens, the oldest first, each with the time of its last use (ms, 0: never)."""
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.hgetall(keys.TOKENS)
                pipe.hgetall(keys.TOKENS_USED)
                stored, used = await pipe.execute()
        tokens = readable_by_id(ApiToken.decode, stored, "token").values()
        return [(one, counted(used.get(one.id.encode()))) for one in sorted(tokens, key=lambda one: one.created_at_ms)]

    async def find(self, token_id: str) -> ApiToken | None:
        """None for a token that does not exist, or whose record cannot be read."""
        with closed_when_damaged():
            data = await self._bus.hget(keys.TOKENS, token_id)
        return readable(ApiToken.decode, data, f"token {token_id}")

    async def note_use(self, token_id: str, now_ms: int) -> None:
        with closed_when_damaged():
            await self._bus.hset(keys.TOKENS_USED, token_id, now_ms)

    async def create(self, token: ApiToken) -> None:
        """Raises `ConflictError` where the name is taken or there are too many."""

        async def attempt(pipe: Any) -> None:
            stored = await pipe.hgetall(keys.TOKENS)
            known = readable_by_id(ApiToken.decode, stored, "token").values()
            if any(one.name == token.name for one in known):
                raise ConflictError(f"there is a token named {token.name!r}: remove that one, or choose another name")
            if len(stored) >= MAX_TOKENS:
                raise ConflictError(f"remove a token first: there are {MAX_TOKENS}, and no more are possible")
            pipe.multi()
            pipe.hset(keys.TOKENS, token.id, token.encode())

        with closed_when_damaged():
            await transact_async(self._bus, attempt, keys.TOKENS, subject="the tokens", tries=_TRIES)

    async def remove(self, token_id: str) -> None:
        """Raises `NotFoundError`."""
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.hdel(keys.TOKENS, token_id)
                pipe.hdel(keys.TOKENS_USED, token_id)
                removed, _ = await pipe.execute()
        if not removed:
            raise NotFoundError(f"there is no token {token_id!r}: see `patchwatch tokens list` or GET /api/v1/tokens")
