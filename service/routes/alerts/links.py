"""What signed links lead to. They lie outside of the API, whose token they do without: the signature is the right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from patchwatch.bus.link_secret import link_secret_async
from patchwatch.contract.errors import NotFoundError
from patchwatch.contract.signed_link import LINKS, LinkedPart, check
from patchwatch.messages.alerts.evidence import CLIP, PEAK
from service.context import Context, WholeContextDep
from service.middleware.proxy import local_path
from service.problems.responses import documented
from service.routes.alerts.evidence import archive_response, part_response

router = APIRouter(prefix=LINKS.rstrip("/"), tags=["evidence"])


@router.get(
    "/{alert_id}/{part}",
    summary="A part of an alert's evidence, by a signed link",
    response_class=Response,
    responses=documented(403, 404, 422, 503),
)
async def get(
    alert_id: str,
    part: LinkedPart,
    request: Request,
    context: WholeContextDep,
    expires: Annotated[str, Query(max_length=12)] = "",
    signature: Annotated[str, Query(max_length=64)] = "",
    range_: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """Links come with `GET /api/v1/alerts/ID/evidence` and with messages to webhooks. `picture.jpg` is there as soon as
    the alert is, the clip and the archive when its evidence is ready."""
    secret = await link_secret_async(context.store.bus)
    check(secret, local_path(request.scope), expires, signature, await context.now_ms() / 1000)
    if part == "evidence.zip":
        return await archive_response(context, alert_id)
    if part == "clip.mp4":
        return await part_response(context, alert_id, CLIP, range_)
    return await _picture(context, alert_id)


async def _picture(context: Context, alert_id: str) -> Response:
    """The one of the evidence, with its region; until that is ready, the alert's own."""
    try:
        return await part_response(context, alert_id, PEAK, None)
    except NotFoundError:
        jpeg = await context.store.alerts.picture(alert_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
