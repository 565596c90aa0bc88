"""Behind a proxy: where the service stands in the address that browsers see.

A proxy may serve us under a path of its own (``https://home.example/cams/``), with that path taken away from what
reaches us or not. The path is known by ``PATCHWATCH_PUBLIC_URL``, or from a trusted proxy's ``X-Forwarded-Prefix``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from patchwatch.contract.settings import Settings

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100}){1,10}")


class ProxyMiddleware:
    """Makes every path begin with the prefix, and names it as ``root_path``, as routers and links expect it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._configured = settings.public_path
        self._trusted = [
            ipaddress.ip_network(one.strip()) for one in settings.trusted_proxies.split(",") if one.strip()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            prefix = self._forwarded(scope) or self._configured
            path = scope["path"]
            inside = path.removeprefix(prefix) if path == prefix or path.startswith(f"{prefix}/") else path
            scope = {**scope, "root_path": prefix, "path": prefix + (inside or "/")}
        await self._app(scope, receive, send)

    def _forwarded(self, scope: Scope) -> str:
        given = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        return given if _PREFIX.fullmatch(given) and self._trusts(scope.get("client")) else ""

    def _trusts(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._trusted)


def local_path(scope: Scope) -> str:
    """The path without a proxy's prefix."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def _prefix(connection: HTTPConnection) -> str:
    return str(connection.scope.get("root_path", ""))


Prefix = Annotated[str, Depends(_prefix)]  # what links in answers begin with: "/cams", or nothing
