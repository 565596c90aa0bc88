"""The ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from redis.asyncio import Redis
from starlette.routing import BaseRoute

from patchwatch import __version__
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from service.access.authenticator import Authenticator
from service.context import Context
from service.documentation import add_documentation
from service.examination import Examination
from service.garbage_collection import collect_regularly
from service.middleware.audit import AuditMiddleware
from service.middleware.auth import AuthMiddleware
from service.middleware.body_limit import RequestLimitMiddleware
from service.middleware.headers import HeadersMiddleware, HeadMiddleware
from service.middleware.proxy import ProxyMiddleware
from service.problems.responses import Problem, install_handlers
from service.routes import budget, demand, examination, health, metrics
from service.routes.access import audit, login, oidc, sessions, tokens, users
from service.routes.alerts import alerts, channels, devices, evidence, links, mutes, verdicts, webhooks
from service.routes.alerts import alerts_websocket as ws_alerts
from service.routes.banks import banks, enrolments, shadows
from service.routes.cameras import (
    absence,
    camera_searches,
    cameras,
    corrections,
    explanation,
    report,
    scores,
    snapshot,
    source_tests,
    status,
    what_if,
)
from service.routes.cameras import pictures_websocket as ws_pictures
from service.routes.cameras import scores_websocket as ws_scores
from service.setup_link import announce
from service.store import Store
from service.websockets.hub import Hub

if TYPE_CHECKING:
    from service.oidc.login import ProviderLogin

PAGE = Path(__file__).parent / "page"
CLIENT_QUEUE = 1000  # messages
_RESOLVER_THREADS = 4
_DESCRIPTION = """\
Patchwatch learns what is normal before each camera and raises alerts when the scene departs from it.

Errors are problem details (RFC 9457).

Live data comes from the WebSockets `/api/v1/ws/alerts` and `/api/v1/ws/scores`. Choose cameras with `?camera=ID`
(repeatable), and resume after the last message received with `?after=ID`. The first message is `hello`: its field
`gaps` lists the ids after which messages may be missing, because they were too old or the queue was lost, and
`unknown_cameras` lists the requested cameras that do not exist (yet).

A message of the type `alert` is a change of an event: it opened, rose or closed. One of the type `verdict` says that an
operator has given, changed or taken back a verdict on an alert, which it shows as `GET /api/v1/alerts/ID` does. One of
the type `correction` says that what is normal before a camera was corrected, or a correction taken back: by an
operator, or `by` `recurrence`, when the same alert came on three days and is normal at that hour from then on.
"""


def create_app(settings: Settings, bus: Redis | None = None, *, client_queue: int = CLIENT_QUEUE) -> FastAPI:
    """Build the app, which connects on first use. Raises `ConfigurationError` when no Redis is configured."""
    if bus is None:
        bus = connect_async(settings.shared_redis_url)
    store, clock = Store.from_redis(bus, settings), BusClock()
    authenticator = Authenticator(settings, store.access, bus, clock)
    app = FastAPI(
        title="Patchwatch",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=_lifespan,
        routes=_routes(),
        docs_url=None,  # `add_documentation` adds pages that fetch nothing from other hosts
        redoc_url=None,
        license_info={"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
    )
    app.state.context = Context(
        settings,
        store,
        Hub(store.streams, store.cameras, settings.public_path),
        authenticator,
        ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolver"),
        client_queue,
        Examination(settings),
        clock,
        provider_login=_provider_login(settings, bus),
    )
    install_handlers(app)
    _add_page(app)
    add_documentation(app)
    app.add_middleware(HeadMiddleware)  # a request passes the middleware that was added last first
    app.add_middleware(AuditMiddleware, store=store.access.audit, authenticator=authenticator)
    app.add_middleware(AuthMiddleware, authenticator=authenticator, store=store)
    app.add_middleware(RequestLimitMiddleware)
    app.add_middleware(HeadersMiddleware)
    app.add_middleware(ProxyMiddleware, settings=settings)
    _complete_openapi(app, settings)
    return app


def _provider_login(settings: Settings, bus: Redis) -> ProviderLogin | None:
    if settings.oidc_issuer is None:
        return None
    from service.oidc.login import ProviderLogin  # half a second, which few installations need

    return ProviderLogin(settings, settings.oidc_issuer, bus)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    collecting = asyncio.create_task(collect_regularly(), name="garbage collection")
    context: Context = app.state.context
    announcing = asyncio.create_task(announce(context, getattr(app.state, "address", "")), name="set-up link")
    yield
    collecting.cancel()
    announcing.cancel()
    await context.hub.stop()
    context.resolver.shutdown(wait=False, cancel_futures=True)
    context.passwords.stop()
    await context.store.bus.aclose()


def _routes() -> list[BaseRoute]:
    camera_modules = (
        cameras, scores, status, snapshot, alerts, verdicts, evidence, explanation, enrolments, banks, corrections,
        budget, report, absence, what_if, shadows, source_tests, demand, camera_searches, examination,
    )  # fmt: skip
    access_modules = (login, oidc, sessions, users, tokens, audit)
    live = (ws_alerts, ws_scores, ws_pictures)
    modules = (*camera_modules, webhooks, channels, devices, mutes, *live, *access_modules, links, health, metrics)
    routers = [*(module.router for module in modules), verdicts.several]
    return [route for router in routers for route in router.routes]


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/service-worker.js", include_in_schema=False)
    async def service_worker() -> FileResponse:
        return FileResponse(PAGE / "service-worker.js", headers={"Cache-Control": "no-cache"})

    app.mount("/page", StaticFiles(directory=PAGE), name="page")


def _complete_openapi(app: FastAPI, settings: Settings) -> None:
    """Add the schema of problems to the OpenAPI document, and the token if one is set."""
    generate = app.openapi

    def document() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = generate()
            parts = schema.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            problems = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problems.pop("$defs"), Problem=problems)
            if settings.api_token is not None:
                parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"token": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
