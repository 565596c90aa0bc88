"""Every route of an app, as routers and the OpenAPI document know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI


def api_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method (``WS`` for a WebSocket) and template of every route that asks who sends a request."""
    return sorted({route for route in _walk(app.routes) if route[1].startswith(("/api/", "/metrics"))})


def _walk(routes: Any) -> Iterator[tuple[str, str]]:
    for route in routes:
        if hasattr(route, "effective_candidates"):  # a router that was included
            yield from _walk(route.effective_candidates())
            continue
        shown = getattr(route, "starlette_route", None) or route
        path = getattr(shown, "path", "")
        if "WebSocket" in type(getattr(route, "original_route", route)).__name__:
            yield "WS", path
        for method in getattr(shown, "methods", None) or ():
            yield method, path
