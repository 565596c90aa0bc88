"""Logins in browsers, by digests of what their cookies hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.bus.writes import transact_async
from patchwatch.contract.bounds import counted
from patchwatch.messages.access.login_session import MAX_SESSIONS, MAX_SESSIONS_OF_USER, LoginSession
from service.store.access.damage import closed_when_damaged

_HOUR_MS = 3_600_000
_LONGEST_MS = 30 * 24 * _HOUR_MS  # a login ends after that time, however much it is used
_TRIES = 20  # a change is tried again when another one interferes
_TOUCH_EVERY_MS = 60_000


@dataclass(frozen=True)
class KnownSession:
    """A login with its key, and when it was used last (ms)."""

    digest: str
    session: LoginSession
    used_at_ms: int
    expires_at_ms: int


class SessionStore:
    """Reads and changes `keys.SESSIONS`. Raises `BusUnavailableError`, `DamagedError`.

    A login ends ``idle_hours`` after its last use, and after a month in any case.
    """

    def __init__(self, bus: Redis, idle_hours: float) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._idle_ms = round(idle_hours * _HOUR_MS)

    @property
    def longest_s(self) -> int:
        """The longest time, in seconds, that a login lasts."""
        return _LONGEST_MS // 1000

    async def create(self, digest: str, session: LoginSession, now_ms: int) -> KnownSession:
        """Keep a login. What has expired is deleted, and so are the oldest where there are too many."""

        async def attempt(pipe: Any) -> None:
            known = self._known(await pipe.hgetall(keys.SESSIONS), await pipe.hgetall(keys.SESSIONS_USED))
            void = _surplus(known, session.user, now_ms)
            pipe.multi()
            _delete(pipe, void)
            pipe.hset(keys.SESSIONS, digest, session.encode())
            pipe.hset(keys.SESSIONS_USED, digest, now_ms)

        await self._transaction(attempt)
        return self._one(digest, session, now_ms)

    async def find(self, digest: str, now_ms: int) -> KnownSession | None:
        """The login, unless it is unknown, expired or unreadable. Notes about once a minute that it is used."""
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=False) as pipe:
                pipe.hget(keys.SESSIONS, digest)
                pipe.hget(keys.SESSIONS_USED, digest)
                data, used = await pipe.execute()
        session = readable(LoginSession.decode, data, "a login")
        if session is None:
            return None
        known = self._one(digest, session, counted(used) or session.created_at_ms)
        if known.expires_at_ms <= now_ms:
            return None
        if now_ms - known.used_at_ms >= _TOUCH_EVERY_MS:
            with closed_when_damaged():
                await self._bus.hset(keys.SESSIONS_USED, digest, now_ms)
        return known

    async def all(self, now_ms: int) -> list[KnownSession]:
        """Those that have not expired, the last used first."""
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.hgetall(keys.SESSIONS)
                pipe.hgetall(keys.SESSIONS_USED)
                stored, used = await pipe.execute()
        known = [one for one in self._known(stored, used) if one.expires_at_ms > now_ms]
        return sorted(known, key=lambda one: -one.used_at_ms)

    async def end(self, digests: Iterable[str]) -> None:
        """Delete logins; those that are gone already are no error."""
        gone = list(digests)
        with closed_when_damaged():
            async with self._bus.pipeline(transaction=True) as pipe:
                _delete(pipe, gone)
                await pipe.execute()

    def _one(self, digest: str, session: LoginSession, used_at_ms: int) -> KnownSession:
        longest_ms = session.created_at_ms + _LONGEST_MS
        expires_at_ms = min(used_at_ms + self._idle_ms, longest_ms, session.ends_at_ms or longest_ms)
        return KnownSession(digest, session, used_at_ms, expires_at_ms)

    def _known(self, stored: dict[bytes, bytes], used: dict[bytes, bytes]) -> list[KnownSession]:
        known: list[KnownSession] = []
        for name, data in stored.items():
            session = readable(LoginSession.decode, data, "a login")
            if session is not None:
                digest = name.decode(errors="replace")
                known.append(self._one(digest, session, counted(used.get(name)) or session.created_at_ms))
        return known

    async def _transaction(self, attempt: Callable[[Any], Awaitable[None]]) -> None:
        with closed_when_damaged():
            await transact_async(self._bus, attempt, keys.SESSIONS, subject="the logins", tries=_TRIES)


def _surplus(known: list[KnownSession], user: str, now_ms: int) -> list[str]:
    """Those that have expired, and the oldest beyond the limits, such that there is room for one more of ``user``."""
    alive = sorted((one for one in known if one.expires_at_ms > now_ms), key=lambda one: one.used_at_ms)
    of_user = [one for one in alive if one.session.user == user]
    void = {one.digest for one in known if one.expires_at_ms <= now_ms}
    void |= {one.digest for one in of_user[: max(0, len(of_user) + 1 - MAX_SESSIONS_OF_USER)]}
    void |= {one.digest for one in alive[: max(0, len(alive) + 1 - MAX_SESSIONS)]}
    return sorted(void)


def _delete(pipe: Any, digests: list[str]) -> None:
    if digests:
        pipe.hdel(keys.SESSIONS, *digests)
        pipe.hdel(keys.SESSIONS_USED, *digests)
