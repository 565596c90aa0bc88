"""Whether a request comes from this machine, and from a page of ours."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.settings import Settings
from service.problems.errors import ForbiddenError

_MAX_HOST_LENGTH = 100
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class OriginPolicy:
    """Compares the host and the origin that a browser names with ours."""

    def __init__(self, settings: Settings) -> None:
        public = _split(settings.public_url or "")
        self._own = f"{public.scheme}://{public.netloc}"

    def check_host(self, headers: Headers) -> None:
        """Raises `ForbiddenError` for a request to another name than this machine's own.

        Without this check any page in a browser on this machine could use the API, by a host name that resolves to
        127.0.0.1.
        """
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise ForbiddenError(
                f"without PATCHWATCH_API_TOKEN this service answers to localhost and 127.0.0.1 only, not to "
                f"{host[:_MAX_HOST_LENGTH]!r}"
            )

    def check_origin(self, scope: Scope, headers: Headers) -> None:
        """Raises `ForbiddenError` for a change or a WebSocket of a foreign page. Programs name no origin."""
        if _is_checked(scope) and "origin" in headers and not self._is_own(headers):
            raise ForbiddenError(
                "a page of another origin may not do this: start Patchwatch with PATCHWATCH_API_TOKEN; or, behind a "
                "proxy of yours, with PATCHWATCH_PUBLIC_URL"
            )

    def require_origin(self, scope: Scope, headers: Headers) -> None:
        """As `check_origin`, and for one that names no origin: browsers name it with every change and WebSocket."""
        if _is_checked(scope) and not self._is_own(headers):
            raise ForbiddenError(
                "whoever is logged in by a cookie may do this from our own pages only: send a token as "
                "`Authorization: Bearer`; or, behind a proxy of yours, start Patchwatch with PATCHWATCH_PUBLIC_URL"
            )

    def _is_own(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        return origin == self._own or (bool(origin) and _split(origin).netloc == headers.get("host"))


def _is_checked(scope: Scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an unbalanced bracket: certainly not our host
        return urlsplit("")
