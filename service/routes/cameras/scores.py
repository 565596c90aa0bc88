"""The scores of a camera over time."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Path, Query

from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.time_range import From, To, time_range_ms
from service.schemas.cameras.score import ScoreBin, ScorePoint, ScoreSeries
from service.schemas.request import ENTRY_ID

router = api_router("/cameras", tag="scores")
_DEFAULT_SPAN_MS = 3_600_000
_MAX_BIN_S = 31 * 86_400

Limit = Annotated[int, Query(ge=1, le=10_000, description="The largest number of points in one answer.")]
After = Annotated[str | None, Query(pattern=f"^{ENTRY_ID}$", description="Part of the address in `next`.")]
Resolution = Annotated[
    str,
    Query(
        description="`raw`: every frame. A number: bins of that many seconds, from 60 on a multiple of 60.",
        openapi_examples={
            "raw": {"summary": "every frame", "value": "raw"},
            "minutes": {"summary": "one point per minute", "value": "60"},
        },
    ),
]


@router.get("/{camera_id}/scores", summary="Scores over time", responses=documented(404, 422))
async def scores(
    camera_id: Annotated[str, Path(examples=["gate"])],
    context: ContextDep,
    prefix: LinkPrefix,
    from_: From = None,
    to: To = None,
    resolution: Resolution = "raw",
    limit: Limit = 2000,
    after: After = None,
) -> ScoreSeries:
    """Scores from the oldest to the newest; by default those of the last hour. Scores of single frames are kept for
    hours, those of minutes for weeks (PATCHWATCH_SCORE_RETENTION_HOURS, PATCHWATCH_MINUTE_RETENTION_DAYS)."""
    await context.store.cameras.get(camera_id)
    from_ms, to_ms = _time_range_ms(from_, to, await context.now_ms())
    width_ms = _width_ms(resolution)
    base = f"{prefix}/api/v1/cameras/{camera_id}/scores"
    query = {"from": from_ms, "to": to_ms, "resolution": resolution, "limit": limit}
    threshold = await _threshold(context, camera_id)
    if width_ms is None:
        scores_by_id, last = await context.store.scores.frames(camera_id, from_ms, to_ms, limit, after)
        points = [ScorePoint.from_score(score) for _, score in scores_by_id]
        next_page = f"{base}?{urlencode({**query, 'after': last})}" if last else None
        return ScoreSeries(camera_id=camera_id, resolution="raw", threshold=threshold, points=points, next=next_page)
    binning = await context.store.scores.bins(camera_id, from_ms, to_ms, width_ms, limit)
    bins = [ScoreBin(t=b.start_ms, mean=b.total / b.count, peak=b.peak, count=b.count) for b in binning.bins]
    next_page = f"{base}?{urlencode({**query, 'from': binning.next_ms})}" if binning.next_ms is not None else None
    return ScoreSeries(camera_id=camera_id, resolution=resolution, threshold=threshold, points=bins, next=next_page)


def _time_range_ms(from_: datetime | None, to: datetime | None, now_ms: int) -> tuple[int, int]:
    """Both ends; without them, the hour that ends now."""
    from_ms, to_ms = time_range_ms(from_, to)
    to_ms = to_ms if to_ms is not None else max(now_ms, from_ms or 0)
    return (from_ms if from_ms is not None else max(0, to_ms - _DEFAULT_SPAN_MS)), to_ms


def _width_ms(resolution: str) -> int | None:
    """The width of a bin; None for single frames. Raises `InvalidFieldsError`."""
    if resolution == "raw":
        return None
    seconds = float(resolution) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", resolution) else 0.0
    whole_minutes = seconds < 60 or seconds % 60 == 0
    if not 0.001 <= seconds <= _MAX_BIN_S or not whole_minutes:
        raise InvalidFieldsError.from_field(
            "query.resolution", "use `raw`, or seconds: up to 60, or a multiple of 60 up to 31 days"
        )
    return round(seconds * 1000)


async def _threshold(context: Context, camera_id: str) -> float | None:
    (record,) = await context.store.statuses.read([camera_id])
    return record.analysis.threshold_on if record.analysis else None
