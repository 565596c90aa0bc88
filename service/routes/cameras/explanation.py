"""Explanations of alerts and of the last score of a camera."""

from __future__ import annotations

from service.context import ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.cameras.explanation import ExplanationView

router = api_router(tag="explanation")


@router.get("/alerts/{alert_id}/explanation", summary="Explain an alert", responses=documented(404))
async def of_alert(alert_id: str, context: ContextDep) -> ExplanationView:
    """Explains the frame on the alert's picture: the share of each stream, its region, and the most similar normal
    moments with thumbnails."""
    await context.store.alerts.get(alert_id)
    return ExplanationView.from_message(await context.store.explanations.of_alert(alert_id))


@router.get("/cameras/{camera_id}/explanation", summary="Explain a frame of the last second", responses=documented(404))
async def latest(camera_id: str, context: ContextDep) -> ExplanationView:
    """The last scored frame, or one of the second before it: `t` and `seq` tell which. Thumbnails are left out."""
    await context.store.cameras.get(camera_id)
    return ExplanationView.from_message(await context.store.explanations.latest(camera_id))
