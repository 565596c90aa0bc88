"""What browsers are told about every answer, and HEAD for all that can be fetched."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.proxy import local_path

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NEVER_FRAMED = "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_PAGE = f"default-src 'self'; img-src 'self' blob: data:; object-src 'none'; {_NEVER_FRAMED}"
# What draws the documentation sets styles by script; it loads scripts from here alone, as the page does.
_DOCUMENTATION = f"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; {_NEVER_FRAMED}"
_DATA = f"default-src 'none'; {_NEVER_FRAMED}"


def policy(path: str) -> str:
    """The Content-Security-Policy of what stands at a path."""
    if path in ("/docs", "/redoc"):
        return _DOCUMENTATION
    if path == "/" or path.startswith(("/page/", "/documentation/")):
        return _PAGE
    return _DATA


class HeadersMiddleware:
    """Tells browsers to trust no more than our own pages need."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = [*_ALWAYS, (b"content-security-policy", policy(local_path(scope)).encode())]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HeadMiddleware:
    """Answers HEAD as GET, without the body: monitors and proxies ask that way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)
