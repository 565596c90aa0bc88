"""Users: one hash. There is always an admin among them who can log in, or there are none."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.access.user import MAX_USERS, ProviderIdentity, User, UserRole
from service.store.access.damage import closed_when_damaged

_T = TypeVar("_T")
_TRIES = 20  # a change is tried again when another one interferes


class UserStore:
    """Reads and changes `keys.USERS`. Raises `BusUnavailableError` when Redis is away, `DamagedError`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def exist(self) -> bool:
        """Whether there is any user, readable or not."""
        with closed_when_damaged():
            return bool(await self._bus.hlen(keys.USERS))

    async def all(self) -> list[User]:
        """All users, by name. One that cannot be read is left out: he cannot log in either."""
        with closed_when_damaged():
            return list(_decoded(await self._bus.hgetall(keys.USERS)).values())

    async def find(self, name: str) -> User | None:
        """None for a user who does not exist, or whose record cannot be read."""
        with closed_when_damaged():
            data = await self._bus.hget(keys.USERS, name)
        return readable(User.decode, data, f"user {name!r}")

    async def get(self, name: str) -> User:
        """Raises `NotFoundError`."""
        user = await self.find(name)
        if user is None:
            raise _unknown(name)
        return user

    async def create_first(self, user: User) -> None:
        """Add the first user, who has to be an admin. Raises `ConflictError` once there is one."""

        async def attempt(pipe: Any) -> None:
            if await pipe.hlen(keys.USERS):
                raise ConflictError("there are users already: log in as one of them, or run `patchwatch users list`")
            _check_admin({}, {user.name: user})
            pipe.multi()
            pipe.hset(keys.USERS, user.name, user.encode())

        await self._transaction(attempt)

    async def create(self, user: User) -> None:
        """Add a user; where there is none yet, an admin. Raises `ConflictError`."""

        async def attempt(pipe: Any) -> None:
            stored = await pipe.hgetall(keys.USERS)
            if user.name.encode() in stored:
                raise ConflictError(f"user {user.name!r} exists already: change that one, or choose another name")
            if len(stored) >= MAX_USERS:
                raise ConflictError(f"remove a user first: there are {MAX_USERS}, and no more are possible")
            if not stored:
                _check_admin({}, {user.name: user})
            pipe.multi()
            pipe.hset(keys.USERS, user.name, user.encode())

        await self._transaction(attempt)

    async def change(self, name: str, changes: Mapping[str, object]) -> User:
        """Apply changed fields. Raises `NotFoundError`, `ConflictError` where no admin would be left, or pydantic's
        `ValidationError`."""

        async def attempt(pipe: Any) -> User:
            users = _decoded(await pipe.hgetall(keys.USERS))
            if name not in users:
                raise _unknown(name)
            after = User.model_validate({**users[name].model_dump(), **changes})
            _check_admin(users, {**users, name: after})
            pipe.multi()
            pipe.hset(keys.USERS, name, after.encode())
            return after

        return await self._transaction(attempt)

    async def sign_in(self, user: User, *, link: bool) -> tuple[User | None, User]:
        """Add or change the user whom a provider means; returns him before and after.

        Found by his identity, not by his name, he keeps his name, and whether he is disabled. ``link``: whether one
        without an identity who has his name becomes the provider's, and loses his password. The provider decides even
        where no admin is left. Raises `ConflictError` where somebody else has the name, or there are too many.
        """

        async def attempt(pipe: Any) -> tuple[User | None, User]:
            stored = await pipe.hgetall(keys.USERS)
            before = _same(_decoded(stored), user, link=link)
            if before is None and user.name.encode() in stored:
                raise ConflictError(_taken(user.name))
            if before is None and len(stored) >= MAX_USERS:
                raise ConflictError(f"remove a user first: there are {MAX_USERS}, and no more are possible")
            after = user if before is None else _signed_in(before, user)
            pipe.multi()
            pipe.hset(keys.USERS, after.name, after.encode())
            return before, after

        return await self._transaction(attempt)

    async def log_out(self, identity: ProviderIdentity) -> User | None:
        """End all logins of the user whom a provider means; returns him, None where there is none."""

        async def attempt(pipe: Any) -> User | None:
            users = _decoded(await pipe.hgetall(keys.USERS)).values()
            user = next((one for one in users if one.identity == identity), None)
            pipe.multi()
            if user is not None:
                pipe.hset(keys.USERS, user.name, user.model_copy(update={"incarnation": uuid.uuid4().hex}).encode())
            return user

        return await self._transaction(attempt)

    async def remove(self, name: str, *, last_too: bool = False) -> None:
        """Remove a user, also one whose record cannot be read. ``last_too``: also the only one.

        Raises `NotFoundError`, and `ConflictError` where no admin would be left.
        """

        async def attempt(pipe: Any) -> None:
            stored = await pipe.hgetall(keys.USERS)
            before = _decoded(stored)
            if stored.pop(name.encode(), None) is None:
                raise _unknown(name)
            if stored or not last_too:
                _check_admin(before, _decoded(stored))
            pipe.multi()
            pipe.hdel(keys.USERS, name)

        await self._transaction(attempt)

    async def _transaction(self, attempt: Callable[[Any], Awaitable[_T]]) -> _T:
        with closed_when_damaged():
            return await transact_async(self._bus, attempt, keys.USERS, subject="the users", tries=_TRIES)


def _decoded(stored: Mapping[bytes, bytes]) -> dict[str, User]:
    return readable_by_id(User.decode, stored, "user")


def _same(users: Mapping[str, User], user: User, *, link: bool) -> User | None:
    """The user whom the provider means, as he is known here."""
    for known in users.values():
        if known.identity == user.identity:
            return known
    named = users.get(user.name)
    return named if link and named is not None and named.identity is None else None


def _signed_in(before: User, now: User) -> User:
    fresh: dict[str, object] = {"role": now.role, "cameras": now.cameras}
    if before.identity is None:
        fresh |= {"identity": now.identity, "password_hash": None, "incarnation": now.incarnation}
    return before.model_copy(update=fresh)


def _taken(name: str) -> str:
    return (
        f"there is another user {name!r} here already: have an admin remove him (`patchwatch users remove {name}`), or "
        "start Patchwatch with PATCHWATCH_OIDC_LINK_USERS=true if he is the one"
    )


def _check_admin(before: Mapping[str, User], after: Mapping[str, User]) -> None:
    """Raises `ConflictError` where a change would leave nobody who can change anything."""
    if not _has_admin(after) and (_has_admin(before) or not before):
        raise ConflictError("there would be no admin who can log in: make another user an admin first")


def _has_admin(users: Mapping[str, User]) -> bool:
    return any(user.role is UserRole.ADMIN and not user.disabled for user in users.values())


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"there is no user {name!r}: see `patchwatch users list` or GET /api/v1/users")
