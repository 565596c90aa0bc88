"""Who may ask: a token where one is set; otherwise only programs on this machine, and no foreign web page.

The token travels as ``Authorization: Bearer TOKEN``; WebSockets, whose headers a browser cannot set, may carry it as a
subprotocol (see `service.http.websocket_handshake`) or as ``?token=TOKEN``.
"""

from __future__ import annotations

import hmac
from urllib.parse import SplitResult, parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from service.http.proxy import local_path
from service.http.websocket_handshake import offered_token
from service.middleware.refusal import refuse
from service.problem import ForbiddenError, UnauthorizedError

_PROTECTED = ("/api/", "/metrics")
_LONGEST_HOST = 100
_HARMLESS = ("GET", "HEAD", "OPTIONS")


class Access:
    """What a request must bring. Tokens are compared as bytes: letters beyond ASCII come as UTF-8 from programs and
    from our page, as Latin-1 from some browsers."""

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
        # Without a token any page in a browser on this machine could ask us, by WebSocket or by a name of its own
        # that resolves to 127.0.0.1.
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise ForbiddenError(
                f"without PATCHWATCH_API_TOKEN this service answers to localhost and 127.0.0.1 only, not to "
                f"{host[:_LONGEST_HOST]!r}"
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
        scheme, _, given = headers.get("authorization", "").partition(" ")
        presented = given.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
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
        changes = scope["type"] == "websocket" or scope["method"] not in _HARMLESS
        if origin is None or not changes or origin == self._own_origin:
            return
        if _split(origin).netloc != headers.get("host"):
            raise ForbiddenError(
                "a page of another origin may not do this: start Patchwatch with PATCHWATCH_API_TOKEN; or, behind a "
                "proxy of yours, with PATCHWATCH_PUBLIC_URL"
            )


class AccessMiddleware:
    """Refuses with a problem before anything else sees the request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._access = Access(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and local_path(scope).startswith(_PROTECTED):
            try:
                self._access.check(scope)
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
    except ValueError:  # an odd bracket: no host of ours
        return urlsplit("")
