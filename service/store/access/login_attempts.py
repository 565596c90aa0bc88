"""How often somebody tries to log in: limited per address and per user, in Redis, so for all services together."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.contract.errors import OverloadedError
from patchwatch.messages.access.api_token import digest
from service.store.access.damage import closed_when_damaged

WINDOW_MS = 300_000
MOST_BY_ADDRESS = 10  # wrong passwords within the window
MOST_BY_USER = 50  # of one user, from everywhere: more, or a stranger could lock him out easily


@dataclass(frozen=True)
class Attempt:
    """One try that has not succeeded: where it counts, and as what."""

    id: str
    keys: tuple[str, ...]


class LoginAttemptStore:
    """Counts in `keys.login_attempts`. Raises `BusUnavailableError`, `DamagedError`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def begin(self, address: str, user: str | None, now_ms: int) -> Attempt:
        """Count one more, before the password is looked at: many at once are no way around the limit. ``user``: None
        where it is not known before.

        Raises `OverloadedError` where there were too many; that one does not count.
        """
        limits = {_key("address", address): MOST_BY_ADDRESS}
        if user is not None:
            limits[_key("user", user)] = MOST_BY_USER
        attempt = Attempt(uuid.uuid4().hex, tuple(limits))
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                for name in limits:
                    pipe.zremrangebyscore(name, "-inf", now_ms - WINDOW_MS)
                    pipe.zadd(name, {attempt.id: now_ms})
                    pipe.pexpire(name, WINDOW_MS)
                    pipe.zrange(name, 0, -1, withscores=True)
                answers = (await pipe.execute())[3::4]
        full = [rows for rows, limit in zip(answers, limits.values(), strict=True) if len(rows) > limit]
        if full:
            await self.forget(attempt)
            wait_s = max(int(rows[0][1]) + WINDOW_MS - now_ms for rows in full) // 1000 + 1
            raise OverloadedError(
                f"too many logins from here, or of this user, have failed: wait {wait_s} s; if a password is "
                "forgotten, `patchwatch users password NAME` on the machine itself sets a new one"
            )
        return attempt

    async def forget(self, attempt: Attempt) -> None:
        """The password was right: it does not count."""
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                for name in attempt.keys:
                    pipe.zrem(name, attempt.id)
                await pipe.execute()


def _key(kind: str, subject: str) -> str:
    return keys.login_attempts(digest(f"{kind} {subject}")[:32])
