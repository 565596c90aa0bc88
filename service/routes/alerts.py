"""Alerts, newest first."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from patchwatch.messages.alert import AlertKind, AlertState, AlertView
from service.context import Context, In
from service.http.proxy import Prefix
from service.problem import FieldProblem, InvalidFieldsError, documented
from service.routes.snapshot import JPEG
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.rules.interval import From, To, interval
from service.schemas.models import AlertList
from service.store.alerts import AlertQuery

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("", summary="List alerts", responses=documented(422))
async def index(
    context: In,
    prefix: Prefix,
    camera: Annotated[list[str] | None, Query(description="Only of these cameras.", examples=[["gate"]])] = None,
    kind: Annotated[list[AlertKind] | None, Query(description="Only of these kinds.")] = None,
    state: Annotated[AlertState | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[str | None, Query(description="Comes with `next`.")] = None,
) -> AlertList:
    """`from` and `to` bound the start of the event. Alerts of a camera that was removed are found as long as they are
    kept; a name that is no camera's and has no alerts is refused."""
    await _check_cameras(context, camera or ())
    from_ms, to_ms = interval(from_, to)
    query = AlertQuery(from_ms, to_ms, frozenset(camera or ()), state, frozenset(kind or ()))
    alerts, last = await context.store.alerts.find(query, limit, _position(before) if before else None)
    following = None
    if last is not None:
        given = {"from": from_, "to": to, "state": state, "limit": limit, "before": f"{last[0]}:{last[1]}"}
        pairs = [(name, value) for name, value in given.items() if value is not None]
        pairs += [("camera", one) for one in camera or ()] + [("kind", one) for one in kind or ()]
        following = f"{prefix}/api/v1/alerts?" + urlencode(pairs)
    return AlertList(alerts=[AlertView.from_alert(alert, prefix) for alert in alerts], next=following)


@router.get("/{alert_id}", summary="Get an alert", responses=documented(404))
async def get(alert_id: str, context: In, prefix: Prefix) -> AlertView:
    return AlertView.from_alert(await context.store.alerts.get(alert_id), prefix)


@router.get(
    "/{alert_id}/snapshot.jpg",
    summary="Picture at the alert's peak",
    response_class=Response,
    responses={**JPEG, **documented(404)},
)
async def snapshot(alert_id: str, context: In) -> Response:
    jpeg = await context.store.alerts.picture(alert_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _check_cameras(context: Context, camera_ids: Collection[str]) -> None:
    unknown = [one for one in await unknown_cameras(context.store, camera_ids) if not await _has_alerts(context, one)]
    if unknown:
        raise unknown_camera_error("query.camera", unknown)


async def _has_alerts(context: Context, camera_id: str) -> bool:
    """Or may have, where there are too many to look through."""
    found, more = await context.store.alerts.find(AlertQuery(camera_ids=frozenset({camera_id})), 1, None)
    return bool(found) or more is not None


def _position(text: str) -> tuple[int, str]:
    match = re.fullmatch(r"([0-9]{1,15}):(.{1,200})", text)
    if match is None:
        raise InvalidFieldsError([FieldProblem(location="query.before", message="take it from `next`")])
    return int(match[1]), match[2]
