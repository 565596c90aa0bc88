"""The path under which a proxy serves Patchwatch.

A proxy may serve us under a path of its own (``https://home.example/cams/``). It may remove that path from the requests
that it passes on, or not. We know the path from ``PATCHWATCH_PUBLIC_URL``, or from the ``X-Forwarded-Prefix`` of a
trusted proxy.
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

_ADDRESS = "patchwatch.address"  # in a request's scope
_MOST_FORWARDED = 20  # proxies in a row
_LONGEST_ADDRESS = 64  # characters
_PORT = re.compile(r":[0-9]{1,5}$")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100}){1,10}")


class ProxyMiddleware:
    """Makes every path begin with the prefix, and sets ``root_path`` to it, as routers and links expect."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._configured_prefix = settings.public_path
        networks = (network.strip() for network in settings.trusted_proxies.split(","))
        self._trusted_networks = [ipaddress.ip_network(network) for network in networks if network]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            prefix = self._forwarded_prefix(scope) or self._configured_prefix
            path = scope["path"]
            inside = path.removeprefix(prefix) if path == prefix or path.startswith(f"{prefix}/") else path
            address = self._address(scope)
            scope = {**scope, "root_path": prefix, "path": prefix + (inside or "/"), _ADDRESS: address}
        await self._app(scope, receive, send)

    def _forwarded_prefix(self, scope: Scope) -> str:
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        return prefix if _PREFIX.fullmatch(prefix) and self._is_trusted(scope.get("client")) else ""

    def _address(self, scope: Scope) -> str:
        """Where a request comes from: behind trusted proxies, the last address that is none of theirs."""
        address = scope["client"][0] if scope.get("client") else ""
        lines = Headers(scope=scope).getlist("x-forwarded-for")  # a proxy may add a line of its own to a client's
        for text in reversed(",".join(lines).split(",")[-_MOST_FORWARDED:]):
            before = _plain_address(text)
            if before is None or not self._is_trusted((address, 0)):
                break
            address = before
        return address

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._trusted_networks)


def _plain_address(text: str) -> str | None:
    """The address of an entry of X-Forwarded-For, without a port; None for what is none."""
    address, at_end = text.strip()[:_LONGEST_ADDRESS], _PORT.search(text.strip()[:_LONGEST_ADDRESS])
    if at_end is not None and (address.startswith("[") or address.count(":") == 1):
        address = address[: at_end.start()]
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return None


def local_path(scope: Scope) -> str:
    """The path without the prefix of a proxy."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def client_address(scope: Scope) -> str:
    """Where a request comes from, as far as proxies that are trusted say."""
    return str(scope.get(_ADDRESS, ""))


def _prefix(connection: HTTPConnection) -> str:
    return str(connection.scope.get("root_path", ""))


LinkPrefix = Annotated[str, Depends(_prefix)]  # the beginning of links in answers: "/cams", or empty
