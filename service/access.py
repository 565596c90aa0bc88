"""Who may ask: a token where one is set; otherwise only programs on this machine, and no foreign web page.

The token travels as ``Authorization: Bearer TOKEN``; WebSockets may carry it as ``?token=TOKEN`` because a browser
cannot set their headers.
"""

from __future__ import annotations

import hmac
from urllib.parse import SplitResult, parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from patchwatch.errors import PatchwatchError
from patchwatch.exposure import is_loopback
from patchwatch.settings import Settings
from service.problem import ForbiddenError, UnauthorizedError, respond

_PROTECTED = ("/api/", "/metrics")
_HARMLESS = ("GET", "HEAD", "OPTIONS")


class AccessMiddleware:
    """Refuses with a problem before anything else sees the request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.api_token.get_secret_value().encode() if settings.api_token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(_PROTECTED):
            try:
                self._check(scope, Headers(scope=scope))
            except PatchwatchError as error:
                await _refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if self._token is not None:
            self._check_token(scope, headers)
            return
        # Without a token any page in a browser on this machine could ask us, by WebSocket or by a name of its own
        # that resolves to 127.0.0.1.
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise ForbiddenError(
                f"without PATCHWATCH_API_TOKEN this service answers to localhost and 127.0.0.1 only, not to {host!r}"
            )
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in _HARMLESS
        if origin is not None and changes and _split(origin).netloc != headers.get("host"):
            raise ForbiddenError("a page of another origin may not do this: set PATCHWATCH_API_TOKEN and send it")

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        assert self._token is not None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = ""
        if not given and scope["type"] == "websocket":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not hmac.compare_digest(given.strip().encode(), self._token):
            raise UnauthorizedError(
                "send the token of PATCHWATCH_API_TOKEN as 'Authorization: Bearer TOKEN'; a WebSocket may send it as "
                "the query parameter `token` instead"
            )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an odd bracket: no host of ours
        return urlsplit("")


async def _refuse(error: PatchwatchError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = respond(error, scope["path"])
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    await WebSocket(scope, receive, send).send_denial_response(answer)
