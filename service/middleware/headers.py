"""Security headers of every answer, and HEAD requests."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.middleware.proxy import local_path

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NO_FRAMES = "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_PAGE_POLICY = f"default-src 'self'; img-src 'self' blob: data:; object-src 'none'; {_NO_FRAMES}"
# Swagger UI and Redoc set styles by script. Their scripts come from this service alone, as those of the page do.
_DOCUMENTATION_POLICY = f"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; {_NO_FRAMES}"
_DATA_POLICY = f"default-src 'none'; {_NO_FRAMES}"


def policy(path: str) -> str:
    """The Content-Security-Policy for a path."""
    if path in ("/docs", "/redoc"):
        return _DOCUMENTATION_POLICY
    if path in ("/", "/service-worker.js") or path.startswith(("/page/", "/documentation/")):
        return _PAGE_POLICY
    return _DATA_POLICY


class HeadersMiddleware:
    """Adds headers that let browsers trust our pages no more than they need."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = [*_SECURITY_HEADERS, (b"content-security-policy", policy(local_path(scope)).encode())]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HeadMiddleware:
    """Answers HEAD as GET without the body. Monitors and proxies send such requests."""

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
