"""Whether the service lives, and whether the whole is ready for work."""

from __future__ import annotations

from fastapi import APIRouter, Request

from patchwatch import __version__
from patchwatch.contract.errors import BusUnavailableError
from service.context import In
from service.problem import NotReadyError, documented
from service.routes.webhooks import webhook_views
from service.schemas.models import Alive, Ready, WebhookTrouble, WorkerView
from service.schemas.webhook import WebhookHealth

router = APIRouter(tags=["health"])
_NEEDED = ("ingest", "inference")


@router.get("/healthz", summary="Is the service alive?")
async def healthz() -> Alive:
    return Alive(version=__version__)


@router.get("/readyz", summary="Is everything there?", responses=documented(503))
async def readyz(context: In, request: Request) -> Ready:
    """Redis answers, and at least one ingest and one inference worker are alive. Which workers, and which webhooks
    fail, is told to those alone who may use the API."""
    allowed = context.access.allows(request.scope)
    try:
        beats = await context.store.statuses.beats()
    except BusUnavailableError as error:
        raise error if allowed else NotReadyError("Redis does not answer: the service's log says more") from None
    missing = [role for role in _NEEDED if role not in {beat.role for beat in beats}]
    if missing:
        commands = " and ".join(f"`patchwatch run {role}`" for role in missing)
        raise NotReadyError(f"no {' and no '.join(missing)} worker is alive: start {commands}, or `patchwatch serve`")
    if not allowed:
        return Ready()
    return Ready(
        workers=[WorkerView(**beat.model_dump(include=set(WorkerView.model_fields))) for beat in beats],
        webhooks=[
            WebhookTrouble(id=view.id, health=view.health, reason=view.reason)
            for view in await webhook_views(context, await context.store.webhooks.all())
            if view.health not in (WebhookHealth.OK, WebhookHealth.DISABLED)
        ],
    )
