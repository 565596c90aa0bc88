"""The API's documentation for browsers, from files that come with Patchwatch: nothing is fetched from other hosts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

_PAGE = Path(__file__).parent / "page"


def add_documentation(app: FastAPI) -> None:
    """``/docs`` (Swagger UI) and ``/redoc``."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(_PAGE / "docs.html")

    @app.get("/redoc", include_in_schema=False)
    async def redoc() -> FileResponse:
        return FileResponse(_PAGE / "redoc.html")

    # The scripts alone are taken from that package: its pages hold scripts in the HTML, which our policy forbids.
    app.mount("/documentation", StaticFiles(directory=str(files("fastapi_offline") / "static")), name="documentation")
