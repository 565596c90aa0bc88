"""The site's alarm budget: how many false alarms a day are accepted of all cameras together."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.messages.cameras.budget import SiteBudget
from patchwatch.messages.cameras.camera import Camera
from service.context import Context, ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.budget import BudgetView, CameraBudget, SiteBudgetChange, SiteBudgetView

router = api_router("/site-budget", tag="cameras")


@router.get("", summary="Get the site's alarm budget")
async def get(context: ContextDep) -> SiteBudgetView:
    """With what each camera may spend at present."""
    return await _view(context, await context.store.site_budget.get())


@router.put("", summary="Set the site's alarm budget", responses=documented(422))
async def put(body: SiteBudgetChange, context: ContextDep) -> SiteBudgetView:
    """It is shared within seconds, by an enrolment worker. Equally at first; then calm cameras lend to lively ones, by
    and by. While an alert is open, its camera's threshold stays."""
    budget = SiteBudget(per_day=body.false_alarms_per_day, updated_at_ms=await context.now_ms())
    await context.store.site_budget.put(budget)
    return await _view(context, budget)


async def _view(context: Context, budget: SiteBudget) -> SiteBudgetView:
    cameras = [camera for camera in await context.store.cameras.all() if camera.enabled]
    by_default = context.settings.false_alarms_per_day
    views = [(camera.id, BudgetView.from_camera(camera, by_default)) for camera in cameras]
    return SiteBudgetView(
        false_alarms_per_day=budget.per_day,
        cameras=[CameraBudget(camera_id=name, **view.model_dump()) for name, view in views],
        text=_text(budget, cameras),
    )


def _text(budget: SiteBudget, cameras: Sequence[Camera]) -> str:
    if budget.per_day is None:
        return "there is no budget for the site: each camera has its own, or the installation's"
    sharing = [camera for camera in cameras if camera.false_alarms_per_day is None]
    shared = f"{budget.per_day:g} false alarms a day, shared by {len(sharing)} camera{'' if len(sharing) == 1 else 's'}"
    own = sum(camera.false_alarms_per_day or 0.0 for camera in cameras)
    if own:
        shared += f" after those with budgets of their own, which come to {own:g}"
    if own > 0.9 * budget.per_day and sharing:
        shared += "; the others share a tenth all the same, so lower those, or raise the site's"
    if not all(camera.allotment for camera in sharing):
        shared += "; not shared yet: is `patchwatch run enrolment` running?"
    return shared
