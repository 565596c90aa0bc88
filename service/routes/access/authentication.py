"""Logging in and changing one's password: what all ways in have in common."""

from __future__ import annotations

import secrets
import uuid
from functools import partial

from starlette.requests import HTTPConnection
from starlette.responses import Response

from patchwatch.contract.address_policy import network_of
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest
from patchwatch.messages.access.login_session import LoginSession
from patchwatch.messages.access.user import User
from service.access.audit_log import note
from service.access.caller import Caller, CallerKind
from service.access.cookie import session_secret, set_cookie
from service.access.passwords import check_password, hash_password, is_outdated, is_right
from service.context import Context
from service.middleware.proxy import client_address
from service.problems.errors import ForbiddenError, UnauthorizedError
from service.schemas.access.session import Me

_WRONG = "the name or the password is wrong"


def check_password_login(settings: Settings) -> None:
    """Raises `ForbiddenError` where users may not log in with a password."""
    if not settings.password_login:
        raise ForbiddenError(
            f"passwords are turned off here: log in with {settings.oidc_label}, or start Patchwatch with "
            "PATCHWATCH_PASSWORD_LOGIN=true"
        )


async def checked_user(context: Context, connection: HTTPConnection, name: str, password: str) -> User:
    """The user with this password. A name that nobody has takes as long as a wrong password, and is answered alike.

    Raises `UnauthorizedError`, and `OverloadedError` after too many wrong ones.
    """
    access, address = context.store.access, client_address(connection.scope)
    attempt = await access.attempts.begin(network_of(address), name, await context.now_ms())
    user = await access.users.find(name)
    with_password = user is not None and not user.disabled and user.identity is None
    stored = user.password_hash if user is not None and with_password else None
    if not await context.passwords.do(partial(is_right, stored, password)) or user is None:
        stranger = Caller(CallerKind.NOBODY, name, context.caller.role, frozenset())
        await note(access.audit, context.now_ms, stranger, address, "login refused", status=401)
        raise UnauthorizedError(_WRONG)
    await access.attempts.forget(attempt)
    return await _rehashed(context, user, password)


async def start_session(
    context: Context,
    connection: HTTPConnection,
    response: Response,
    user: User,
    *,
    secure: bool | None = None,
    longest_hours: float | None = None,
) -> Caller:
    """Log a browser in. It always gets a cookie with a new secret: one that it had before opens nothing.

    ``secure``: whether the browser sees us by https; None: as the origin of the request says. ``longest_hours``: after
    which the login ends in any case.
    """
    secret = secrets.token_urlsafe(32)
    now_ms = await context.now_ms()
    session = LoginSession(
        id=uuid.uuid4().hex[:12], user=user.name, incarnation=user.incarnation, created_at_ms=now_ms,
        ends_at_ms=None if longest_hours is None else now_ms + round(longest_hours * 3_600_000),
        address=client_address(connection.scope), agent=connection.headers.get("user-agent", ""),
    )  # fmt: skip
    sessions = context.store.access.sessions
    if before := session_secret(connection, context.settings):
        await sessions.end([digest(before)])
    known = await sessions.create(digest(secret), session, now_ms)
    set_cookie(response, connection, context.settings, secret, sessions.longest_s, secure=secure)
    cameras = None if user.cameras is None else frozenset(user.cameras)
    return Caller(CallerKind.USER, user.name, user.role, cameras, known.digest)


def me_of(caller: Caller) -> Me:
    """How the API shows somebody himself."""
    cameras = None if caller.cameras is None else sorted(caller.cameras)
    return Me(name=caller.name, kind=caller.kind.value, role=caller.role, cameras=cameras)


async def new_password(context: Context, name: str, password: str) -> dict[str, object]:
    """The fields of a user that change with his password: all his logins are void, and those at a provider open nothing
    any more. Raises `RejectedError`."""
    check_password(password, name)
    stored = await context.passwords.do(partial(hash_password, password))
    return {"password_hash": stored, "identity": None, "incarnation": uuid.uuid4().hex}


async def _rehashed(context: Context, user: User, password: str) -> User:
    if user.password_hash is None or not is_outdated(user.password_hash):
        return user
    stored = await context.passwords.do(partial(hash_password, password))
    return await context.store.access.users.change(user.name, {"password_hash": stored})
