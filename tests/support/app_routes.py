"""Every route of an app, as routers and the OpenAPI document know them."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute


def api_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method (``WS`` for a WebSocket) and template of every route that asks who sends a request."""
    routes = {one for route in app.routes for one in _methods(route)}
    return sorted(one for one in routes if one[1].startswith(("/api/", "/metrics")))


def _methods(route: BaseRoute) -> Iterator[tuple[str, str]]:
    if isinstance(route, WebSocketRoute):
        yield "WS", route.path
    elif isinstance(route, Route):
        yield from ((method, route.path) for method in route.methods or ())
