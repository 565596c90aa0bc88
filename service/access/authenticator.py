"""Who sends a request: by a token, by the cookie of a login, or, before there are users, any program on this machine.

A token travels as ``Authorization: Bearer TOKEN``. A browser cannot set headers of a WebSocket, which may instead
carry the token as a subprotocol (see `service.http.websocket_handshake`) or as ``?token=TOKEN``.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.access_policy import asks_everybody
from patchwatch.contract.errors import BusUnavailableError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest, parse_token
from service.access.caller import HOLDER, LOCAL, NOBODY, Caller, CallerKind
from service.access.cookie import session_secret
from service.access.origin import OriginPolicy
from service.http.websocket_handshake import offered_token
from service.problems.errors import ForbiddenError, UnauthorizedError
from service.store.access import AccessStore

_NOTE_USE_EVERY_MS = 60_000
_MISSING = (
    "the token is missing or wrong: send PATCHWATCH_API_TOKEN as `Authorization: Bearer` (a WebSocket: or `token` in "
    "the query)"
)
_LOG_IN = "log in at the page, or send a token as `Authorization: Bearer` (a WebSocket: or `token` in the query)"
_SET_UP = (
    "nobody can log in yet: open the set-up link that the service wrote when it started, or run `patchwatch users add "
    "NAME --role admin` on its machine"
)


class Authenticator:
    """Finds out who sends a request.

    Tokens are compared as bytes: programs and our page send letters beyond ASCII as UTF-8, some browsers as Latin-1.
    """

    def __init__(self, settings: Settings, store: AccessStore, bus: Any, clock: BusClock) -> None:
        self._settings = settings
        self._store = store
        self._bus = bus
        self._clock = clock
        self._tokens = _encodings(settings.api_token.get_secret_value().strip()) if settings.api_token else []
        self._open = not asks_everybody(settings)  # while there are no users
        self._origins = OriginPolicy(settings)
        self._had_users = False
        self._noted: dict[str, int] = {}  # token id -> when its use was noted last (ms)

    async def identify(self, scope: Scope) -> Caller:
        """Raises `UnauthorizedError`, `ForbiddenError`, and what the stores raise: then nobody is let in."""
        headers = Headers(scope=scope)
        presented = _presented(scope, headers)
        caller = await self._by_token(presented) if presented else await self._by_cookie(scope, headers)
        if caller is not None:
            return caller
        if not self._open or await self._have_users():
            raise UnauthorizedError(await self._advice(presented))
        self._check_local(scope, headers)
        return LOCAL

    async def known(self, scope: Scope) -> Caller:
        """As `identify`, but `NOBODY` in place of errors. While Redis is away, what was known last decides."""
        try:
            return await self.identify(scope)
        except BusUnavailableError:
            return self._known_before(scope)
        except PatchwatchError:
            return NOBODY

    def check_origin(self, scope: Scope) -> None:
        """Raises `ForbiddenError` where a foreign page tries to log a browser in."""
        self._origins.check_origin(scope, Headers(scope=scope))

    async def now_ms(self) -> int:
        with translated():
            await self._clock.sync_async(self._bus)
        return self._clock.now_ms()

    async def _have_users(self) -> bool:
        self._had_users = await self._store.users.exist()
        return self._had_users

    def _check_local(self, scope: Scope, headers: Headers) -> None:
        self._origins.check_host(headers)
        self._origins.check_origin(scope, headers)

    def _known_before(self, scope: Scope) -> Caller:
        if not self._open or self._had_users:
            return NOBODY
        try:
            self._check_local(scope, Headers(scope=scope))
        except ForbiddenError:
            return NOBODY
        return LOCAL

    async def _advice(self, presented: bytes) -> str:
        if self._tokens or presented:
            return _MISSING
        return _LOG_IN if await self._have_users() else _SET_UP

    async def _by_token(self, presented: bytes) -> Caller | None:
        if any([hmac.compare_digest(presented, token) for token in self._tokens]):
            return HOLDER
        parsed = parse_token(presented.decode("latin-1"))
        token = await self._store.tokens.find(parsed[0]) if parsed else None
        if parsed is None or token is None or not hmac.compare_digest(token.digest, parsed[1]):
            return None
        now_ms = await self.now_ms()
        if token.expires_at_ms is not None and token.expires_at_ms <= now_ms:
            raise UnauthorizedError(f"the token {token.name!r} has expired: make a new one, and send that")
        await self._note_use(token.id, now_ms)
        cameras = None if token.cameras is None else frozenset(token.cameras)
        return Caller(CallerKind.TOKEN, token.name, token.scope.role, cameras)

    async def _note_use(self, token_id: str, now_ms: int) -> None:
        if now_ms - self._noted.get(token_id, 0) >= _NOTE_USE_EVERY_MS:
            self._noted[token_id] = now_ms
            await self._store.tokens.note_use(token_id, now_ms)

    async def _by_cookie(self, scope: Scope, headers: Headers) -> Caller | None:
        secret = session_secret(HTTPConnection(scope), self._settings) if "cookie" in headers else ""
        known = await self._store.sessions.find(digest(secret), await self.now_ms()) if secret else None
        user = await self._store.users.find(known.session.user) if known else None
        if known is None or user is None or user.disabled or user.incarnation != known.session.incarnation:
            return None
        self._origins.require_origin(scope, headers)
        cameras = None if user.cameras is None else frozenset(user.cameras)
        return Caller(CallerKind.USER, user.name, user.role, cameras, known.digest)


def _presented(scope: Scope, headers: Headers) -> bytes:
    """The token that a request brings; empty without one."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    presented = credentials.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
    if presented or scope["type"] != "websocket":
        return presented
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return offered_token(scope) or query.get("token", [""])[0].strip().encode(errors="replace")


def _encodings(token: str) -> list[bytes]:
    try:
        return [token.encode(), token.encode("latin-1")]
    except UnicodeEncodeError:
        return [token.encode()]
