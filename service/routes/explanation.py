"""Why an alert was raised, and what a camera's last score is made of."""

from __future__ import annotations

from fastapi import APIRouter

from service.context import In
from service.problem import documented
from service.schemas.explanation import ExplanationView

router = APIRouter(tags=["explanation"])


@router.get("/alerts/{alert_id}/explanation", summary="Explain an alert", responses=documented(404))
async def of_alert(alert_id: str, context: In) -> ExplanationView:
    """Of the frame on the alert's picture: each stream's share, its region, and the nearest normal with thumbnails."""
    await context.store.alerts.get(alert_id)
    return ExplanationView.of(await context.store.explanations.of_alert(alert_id))


@router.get("/cameras/{camera_id}/explanation", summary="Explain the last scored frame", responses=documented(404))
async def latest(camera_id: str, context: In) -> ExplanationView:
    """`t` and `seq` say which frame that is. It comes without thumbnails."""
    await context.store.cameras.get(camera_id)
    return ExplanationView.of(await context.store.explanations.latest(camera_id))
