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
_PORT = re.compile(r":([0-9]{1,5})$")


def session_secret(connection: HTTPConnection, settings: Settings) -> str:
    """What the cookie holds; empty without one, or with what cannot be ours."""
    value = connection.cookies.get(_name(connection, settings), "")
    return value if _VALUE.fullmatch(value) else ""


def set_cookie(response: Response, connection: HTTPConnection, settings: Settings, secret: str, longest_s: int) -> None:
    """Have the browser keep a login, for at most ``longest_s``: the service ends it earlier."""
    response.set_cookie(
        _name(connection, settings),
        secret,
        max_age=longest_s,
        path=_path(connection),
        secure=connection.headers.get("origin", "").startswith("https://"),  # as the browser sees us, whoever ends TLS
        httponly=True,
        samesite="strict",
    )


def delete_cookie(response: Response, connection: HTTPConnection, settings: Settings) -> None:
    """Have the browser forget a login."""
    response.delete_cookie(_name(connection, settings), path=_path(connection), httponly=True, samesite="strict")


def _name(connection: HTTPConnection, settings: Settings) -> str:
    authority = urlsplit(settings.public_url).netloc if settings.public_url else connection.headers.get("host", "")
    port = _PORT.search(authority)
    return f"patchwatch-{port[1]}" if port else "patchwatch"


def _path(connection: HTTPConnection) -> str:
    return f"{connection.scope.get('root_path', '')}/"
