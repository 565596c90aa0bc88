"""The documentation of the API for browsers. Its files come with Patchwatch: nothing is fetched from other hosts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

_REDOC_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
_PAGE = Path(__file__).parent / "page"


def add_documentation(app: FastAPI) -> None:
    """Add ``/docs`` (Swagger UI) and ``/redoc``."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(_PAGE / "docs.html")

    @app.get("/redoc", include_in_schema=False)
    async def redoc() -> FileResponse:
        return FileResponse(_PAGE / "redoc.html")

    @app.get("/documentation/redoc.standalone.js", include_in_schema=False)
    async def redoc_script() -> Response:
        return Response(_redoc_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    # Only the scripts of that package are used: its pages have inline scripts, which our policy forbids.
    app.mount("/documentation", StaticFiles(directory=str(_scripts())), name="documentation")


def _scripts() -> Path:
    return Path(str(files("fastapi_offline"))) / "static"


@cache
def _redoc_script() -> str:
    """Redoc's script, with its logo replaced by ours: it would be fetched from another host."""
    return (_scripts() / "redoc.standalone.js").read_text(encoding="utf-8").replace(_REDOC_LOGO, "page/icon.svg")
