"""Who may use the API: whoever has the token, if one is set; otherwise only programs on this machine.

The token travels as ``Authorization: Bearer TOKEN``. A browser cannot set headers of a WebSocket, which may instead
carry the token as a subprotocol (see `service.http.websocket_handshake`) or as ``?token=TOKEN``.
"""

from __future__ import annotations

import hmac
from urllib.parse import SplitResult, parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from service.http.websocket_handshake import offered_token
from service.middleware.proxy import local_path
from service.problems.errors import ForbiddenError, UnauthorizedError
from service.problems.refusal import refuse

_PROTECTED_PATHS = ("/api/", "/metrics")
_MAX_HOST_LENGTH = 100
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Authenticator:
    """Checks the token or, if none is set, the host and origin of requests.

    Tokens are compared as bytes: programs and our page send letters beyond ASCII as UTF-8, some browsers as Latin-1.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = _encodings(settings.api_token.get_secret_value().strip()) if settings.api_token else []
        public = _split(settings.public_url or "")
        self._own_origin = f"{public.scheme}://{public.netloc}"

    def check(self, scope: Scope) -> None:
        """Raises `UnauthorizedError` or `ForbiddenError`."""
        headers = Headers(scope=scope)
        if self._tokens:
            self._check_token(scope, headers)
            return
        # Without this check any page in a browser on this machine could use the API, by WebSocket or by a host name
        # that resolves to 127.0.0.1.
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise ForbiddenError(
                f"without PATCHWATCH_API_TOKEN this service answers to localhost and 127.0.0.1 only, not to "
                f"{host[:_MAX_HOST_LENGTH]!r}"
            )
        self._check_origin(scope, headers)

    def allows(self, scope: Scope) -> bool:
        """Whether `check` would pass."""
        try:
            self.check(scope)
        except PatchwatchError:
            return False
        return True

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        presented = credentials.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
        if not presented and scope["type"] == "websocket":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            presented = offered_token(scope) or query.get("token", [""])[0].strip().encode(errors="replace")
        if not presented or not any([hmac.compare_digest(presented, token) for token in self._tokens]):
            raise UnauthorizedError(
                "the token is missing or wrong: send PATCHWATCH_API_TOKEN as `Authorization: Bearer` "
                "(a WebSocket: or `token` in the query)"
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        checked = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin is None or not checked or origin == self._own_origin:
            return
        if _split(origin).netloc != headers.get("host"):
            raise ForbiddenError(
                "a page of another origin may not do this: start Patchwatch with PATCHWATCH_API_TOKEN; or, behind a "
                "proxy of yours, with PATCHWATCH_PUBLIC_URL"
            )


class AuthMiddleware:
    """Refuses a request with a problem before a route sees it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._authenticator = Authenticator(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and local_path(scope).startswith(_PROTECTED_PATHS):
            try:
                self._authenticator.check(scope)
            except PatchwatchError as error:
                await refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def _encodings(token: str) -> list[bytes]:
    try:
        return [token.encode(), token.encode("latin-1")]
    except UnicodeEncodeError:
        return [token.encode()]


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an unbalanced bracket: certainly not our host
        return urlsplit("")
