"""Operators' verdicts on alerts: given, changed, taken back."""

from __future__ import annotations

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.verdict import Statement
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.presentation.correction_effect import effect_of, effect_of_words
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.alerts.verdict import (
    GivenVerdicts,
    JudgedAlertView,
    NewVerdict,
    NewVerdicts,
    RefusedVerdict,
    ReviewedAlertView,
    VerdictHistory,
)
from service.store.alerts.verdicts import Said

router = api_router("/alerts/{alert_id}/verdict", tag="alerts")
several = api_router("/verdicts", tag="alerts")


@router.get("", summary="Get the verdict on an alert, with its history", responses=documented(404))
async def get(alert_id: str, context: ContextDep) -> VerdictHistory:
    await context.store.alerts.get(alert_id)
    (verdicts,) = await context.store.verdicts.of([alert_id])
    return VerdictHistory.from_record(verdicts)


@router.put("", summary="Give a verdict on an alert, or change it", responses=documented(404, 422))
async def put(alert_id: str, body: NewVerdict, context: ContextDep, prefix: LinkPrefix) -> JudgedAlertView:
    """The verdict counts until another one is given or it is taken back; it is kept as long as the alert. WebSockets of
    alerts are told, webhooks are not. Of two verdicts at the same time the later one counts, and both are in the
    history. Sent again, it changes nothing. Within seconds, what is `normal` raises no alert any more: `effect` says
    so, or why not. `anomaly` keeps it out of what banks learn from."""
    said = Statement(
        verdict=body.verdict, weekly=body.weekly, note=body.note, by=context.caller.by, at_ms=await context.now_ms()
    )
    return await _say(context, alert_id, prefix, said)


@router.delete("", summary="Take back the verdict on an alert", responses=documented(404, 409))
async def delete(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> JudgedAlertView:
    """The alert counts as not reviewed again, and scores are what they would be had nothing been said. The history
    remembers that there was a verdict."""
    return await _say(context, alert_id, prefix, Statement(by=context.caller.by, at_ms=await context.now_ms()))


@several.post("", summary="Give the same verdict on several alerts", responses=documented(422))
async def create(body: NewVerdicts, context: ContextDep, prefix: LinkPrefix) -> GivenVerdicts:
    """Each alert gets the verdict as by a PUT of its own, one after the other; each is changed and taken back alone.
    One that is refused does not keep the others from it. Sent again, it changes nothing."""
    judged: list[JudgedAlertView] = []
    refused: list[RefusedVerdict] = []
    said = Statement(
        verdict=body.verdict, weekly=body.weekly, note=body.note, by=context.caller.by, at_ms=await context.now_ms()
    )
    for alert_id in dict.fromkeys(body.alert_ids):
        try:
            await context.store.alerts.get(alert_id)  # one of the caller's cameras
            judged.append(await _say(context, alert_id, prefix, said))
        except RejectedError as error:
            refused.append(RefusedVerdict(alert_id=alert_id, reason=str(error)))
    return GivenVerdicts(judged=judged, refused=refused)


async def _say(context: Context, alert_id: str, prefix: str, statement: Statement) -> JudgedAlertView:
    said = await context.store.verdicts.say(alert_id, statement)
    (sentence,) = await context.store.sentences.of([alert_id])
    view = ReviewedAlertView.from_records(said.alert, said.verdicts.current, prefix, sentence)
    return JudgedAlertView.judged(view, await _effect(context, said, statement))


async def _effect(context: Context, said: Said, statement: Statement) -> str:
    if said.refused:
        return f"it changes no score: {said.refused}"
    if said.correction is not None:
        return await effect_of(context, said.alert.camera_id, said.correction)
    return effect_of_words(statement.verdict)
