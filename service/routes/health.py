"""Whether the service is alive, and whether the installation is ready for work."""

from __future__ import annotations

from fastapi import APIRouter

from patchwatch import __version__
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.messages.access.user import UserRole
from service.context import ContextDep
from service.presentation import channel_status
from service.presentation.webhook_status import is_failing, webhook_views
from service.problems.errors import NotReadyError
from service.problems.responses import documented
from service.schemas.health import Alive, ChannelTrouble, Ready, WebhookTrouble, WorkerView

router = APIRouter(tags=["health"])
_REQUIRED_ROLES = ("ingest", "inference")


@router.get("/healthz", summary="Is the service alive?")
async def healthz() -> Alive:
    return Alive(version=__version__)


@router.get("/readyz", summary="Is the installation ready?", responses=documented(503))
async def readyz(context: ContextDep) -> Ready:
    """Ready: Redis answers, and at least one ingest worker and one inference worker are alive. Only those who may use
    the API are told which workers there are, and admins which webhooks and channels fail."""
    allowed = context.caller.sees_all
    try:
        heartbeats = await context.store.statuses.heartbeats()
    except BusUnavailableError as error:
        raise error if allowed else NotReadyError("Redis does not answer: the service's log says more") from None
    missing = [role for role in _REQUIRED_ROLES if role not in {beat.role for beat in heartbeats}]
    if missing:
        commands = " and ".join(f"`patchwatch run {role}`" for role in missing)
        raise NotReadyError(f"no {' and no '.join(missing)} worker is alive: start {commands}, or `patchwatch serve`")
    if not allowed:
        return Ready()
    known = [WorkerView(**beat.model_dump(include=set(WorkerView.model_fields))) for beat in heartbeats]
    if not context.caller.may(UserRole.ADMIN):
        return Ready(workers=known)
    webhooks = await webhook_views(context, await context.store.webhooks.all())
    channels = await channel_status.channel_views(context, await context.store.channels.all())
    return Ready(
        workers=known,
        webhooks=[
            WebhookTrouble(id=view.id, health=view.health, reason=view.reason) for view in webhooks if is_failing(view)
        ],
        channels=[
            ChannelTrouble(id=view.id, health=view.health, reason=view.reason)
            for view in channels
            if channel_status.is_failing(view)
        ],
    )
