"""The router of a file of routes."""

from __future__ import annotations

from enum import Enum

from fastapi import APIRouter

from service.problems.responses import documented


def api_router(path: str = "", tag: str | None = None) -> APIRouter:
    """For routes below ``/api/v1`` and ``path``, shown in the documentation under ``tag``.

    Routes have their whole address from the start, so that the app takes them as they are. FastAPI builds all routes
    of a router anew for every app that includes it: half a second for each service and each test.
    """
    tags: list[str | Enum] | None = None if tag is None else [tag]
    return APIRouter(prefix=f"/api/v1{path}", tags=tags, responses=documented(401, 422, 503))
