"""Alerts with their pictures, newest first."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import Response

from patchwatch.messages.alerts.alert import AlertKind, AlertState
from patchwatch.messages.alerts.verdict import Verdict
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.routes.cameras.snapshot import JPEG
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.rules.time_range import From, To, time_range_ms
from service.schemas.alerts.alert import AlertList
from service.schemas.alerts.verdict import ReviewedAlertView
from service.store.alerts.alerts import AlertQuery

router = api_router("/alerts", tag="alerts")


@router.get("", summary="List alerts", responses=documented(422))
async def index(
    context: ContextDep,
    prefix: LinkPrefix,
    request: Request,
    camera: Annotated[list[str] | None, Query(description="Only alerts of these cameras.", examples=[["gate"]])] = None,
    kind: Annotated[list[AlertKind] | None, Query(description="Only alerts of these kinds.")] = None,
    zone: Annotated[
        list[str] | None, Query(description="Only alerts in zones of one of these names.", examples=[["porch"]])
    ] = None,
    state: Annotated[AlertState | None, Query()] = None,
    verdict: Annotated[
        list[Verdict] | None, Query(description="Only alerts with one of these verdicts.", examples=[["normal"]])
    ] = None,
    reviewed: Annotated[bool | None, Query(description="Only alerts with, or without, a verdict.")] = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[str | None, Query(description="Part of the address in `next`.")] = None,
) -> AlertList:
    """`from` and `to` limit the start of the event. Alerts of a removed camera are found as long as they are kept. A
    name that no camera has, and of which no alert is kept, is refused."""
    await _check_cameras(context, camera or ())
    from_ms, to_ms = time_range_ms(from_, to)
    query = AlertQuery(
        from_ms, to_ms, frozenset(camera or ()), state, frozenset(kind or ()), frozenset(verdict or ()), reviewed,
        frozenset(zone or ()),
    )  # fmt: skip
    alerts, last = await context.store.alerts.find(query, limit, _position(before) if before else None)
    next_page = f"{prefix}/api/v1/alerts?{_query_after(request, last, limit)}" if last else None
    ids = [alert.id for alert in alerts]
    said, generated = await context.store.verdicts.of(ids), await context.store.sentences.of(ids)
    views = [
        ReviewedAlertView.from_records(alert, verdicts.current, prefix, sentence)
        for alert, verdicts, sentence in zip(alerts, said, generated, strict=True)
    ]
    return AlertList(alerts=views, next=next_page)


@router.get("/{alert_id}", summary="Get an alert", responses=documented(404))
async def get(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> ReviewedAlertView:
    alert = await context.store.alerts.get(alert_id)
    (verdicts,) = await context.store.verdicts.of([alert_id])
    (sentence,) = await context.store.sentences.of([alert_id])
    return ReviewedAlertView.from_records(alert, verdicts.current, prefix, sentence)


@router.get(
    "/{alert_id}/snapshot.jpg",
    summary="Picture at the alert's peak",
    response_class=Response,
    responses={**JPEG, **documented(404)},
)
async def snapshot(alert_id: str, context: ContextDep) -> Response:
    jpeg = await context.store.alerts.picture(alert_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _check_cameras(context: Context, camera_ids: Collection[str]) -> None:
    unknown = [
        camera_id
        for camera_id in await unknown_cameras(context.store, camera_ids)
        if not await _may_have_alerts(context, camera_id)
    ]
    if unknown:
        raise unknown_camera_error("query.camera", unknown)


async def _may_have_alerts(context: Context, camera_id: str) -> bool:
    """True also when there are too many alerts to search through."""
    alerts, more = await context.store.alerts.find(AlertQuery(camera_ids=frozenset({camera_id})), 1, None)
    return bool(alerts) or more is not None


def _query_after(request: Request, last: tuple[int, str], limit: int) -> str:
    """The query of the next page: the filters of the request, after the ``last`` alert of this page."""
    filters = request.query_params
    single = {name: filters.get(name) for name in ("from", "to", "state", "reviewed")}
    pairs: list[tuple[str, str | int]] = [(name, value) for name, value in single.items() if value is not None]
    pairs += [("limit", limit), ("before", f"{last[0]}:{last[1]}")]
    pairs += [(name, value) for name in ("camera", "kind", "verdict", "zone") for value in filters.getlist(name)]
    return urlencode(pairs)


def _position(text: str) -> tuple[int, str]:
    match = re.fullmatch(r"([0-9]{1,15}):(.{1,200})", text)
    if match is None:
        raise InvalidFieldsError.from_field("query.before", "take it from `next`")
    return int(match[1]), match[2]
