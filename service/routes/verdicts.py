"""Operators' verdicts on alerts: given, changed, taken back."""

from __future__ import annotations

from fastapi import APIRouter

from patchwatch.messages.alerts.verdict import Statement, Verdict
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.responses import documented
from service.schemas.verdict import NewVerdict, ReviewedAlertView, VerdictHistory

router = APIRouter(prefix="/alerts/{alert_id}/verdict", tags=["alerts"])
_CALLER = "operator"  # whoever may use the API has the one token, which names nobody


@router.get("", summary="Get the verdict on an alert, with its history", responses=documented(404))
async def get(alert_id: str, context: ContextDep) -> VerdictHistory:
    await context.store.alerts.get(alert_id)
    (verdicts,) = await context.store.verdicts.of([alert_id])
    return VerdictHistory.from_record(verdicts)


@router.put("", summary="Give a verdict on an alert, or change it", responses=documented(404, 422))
async def put(alert_id: str, body: NewVerdict, context: ContextDep, prefix: LinkPrefix) -> ReviewedAlertView:
    """The verdict counts until another one is given or it is taken back; it is kept as long as the alert. WebSockets of
    alerts are told, webhooks are not. Of two verdicts at the same time the later one counts, and both are in the
    history. Sent again, it changes nothing."""
    return await _say(context, alert_id, prefix, body.verdict, body.note)


@router.delete("", summary="Take back the verdict on an alert", responses=documented(404, 409))
async def delete(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> ReviewedAlertView:
    """The alert counts as not reviewed again. The history remembers that there was a verdict."""
    return await _say(context, alert_id, prefix, None, "")


async def _say(context: Context, alert_id: str, prefix: str, verdict: Verdict | None, note: str) -> ReviewedAlertView:
    statement = Statement(verdict=verdict, note=note, by=_CALLER, at_ms=await context.now_ms())
    alert, verdicts = await context.store.verdicts.say(alert_id, statement)
    return ReviewedAlertView.from_records(alert, verdicts.current, prefix)
