"""The cookie of a login.

Browsers send a cookie to every port of a host, so its name holds the port: two installations on one machine do not log
each other's users out. Scripts cannot read it, and no other site's page makes a browser send it (``SameSite=Strict``).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from patchwatch.contract.settings import Settings

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")
_SEALED = re.compile(r"[A-Za-z0-9_=-]{1,3500}")
_PORT = re.compile(r":([0-9]{1,5})$")


def session_secret(connection: HTTPConnection, settings: Settings) -> str:
    """What the cookie holds; empty without one, or with what cannot be ours."""
    value = connection.cookies.get(_name(connection, settings), "")
    return value if _VALUE.fullmatch(value) else ""


def set_cookie(
    response: Response,
    connection: HTTPConnection,
    settings: Settings,
    secret: str,
    longest_s: int,
    *,
    secure: bool | None = None,
) -> None:
    """Have the browser keep a login, for at most ``longest_s``: the service ends it earlier. ``secure``: whether the
    browser sees us by https, whoever ends TLS; None: as the origin of the request says."""
    response.set_cookie(
        _name(connection, settings),
        secret,
        max_age=longest_s,
        path=_path(connection),
        secure=is_secure(connection) if secure is None else secure,
        httponly=True,
        samesite="strict",
    )


def delete_cookie(response: Response, connection: HTTPConnection, settings: Settings) -> None:
    """Have the browser forget a login."""
    response.delete_cookie(_name(connection, settings), path=_path(connection), httponly=True, samesite="strict")


def sealed_value(connection: HTTPConnection, settings: Settings, purpose: str) -> str:
    """What `set_sealed_cookie` had the browser keep for ``purpose``; empty without it."""
    value = connection.cookies.get(f"{_name(connection, settings)}-{purpose}", "")
    return value if _SEALED.fullmatch(value) else ""


def set_sealed_cookie(
    response: Response,
    connection: HTTPConnection,
    settings: Settings,
    purpose: str,
    value: str,
    longest_s: int,
    *,
    secure: bool,
) -> None:
    """Have the browser keep something for a while and bring it along when another site leads it back to us."""
    response.set_cookie(
        f"{_name(connection, settings)}-{purpose}", value, max_age=longest_s, path=_path(connection), secure=secure,
        httponly=True, samesite="lax",
    )  # fmt: skip


def delete_sealed_cookie(response: Response, connection: HTTPConnection, settings: Settings, purpose: str) -> None:
    """Have the browser forget it."""
    name = f"{_name(connection, settings)}-{purpose}"
    response.delete_cookie(name, path=_path(connection), httponly=True, samesite="lax")


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the page that sends a request came by https."""
    return connection.headers.get("origin", "").startswith("https://")


def _name(connection: HTTPConnection, settings: Settings) -> str:
    authority = urlsplit(settings.public_url).netloc if settings.public_url else connection.headers.get("host", "")
    port = _PORT.search(authority)
    return f"patchwatch-{port[1]}" if port else "patchwatch"


def _path(connection: HTTPConnection) -> str:
    return f"{connection.scope.get('root_path', '')}/"
