"""Scores of a camera over time."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query

from service.context import Context, In
from service.http.proxy import Prefix
from service.problem import FieldProblem, InvalidFieldsError, documented
from service.rules.interval import From, To, interval
from service.schemas.models import ScoreBin, ScorePoint, ScoreSeries
from service.schemas.stream_id import ENTRY_ID

router = APIRouter(prefix="/cameras", tags=["scores"])
_DEFAULT_SPAN_MS = 3_600_000
_LONGEST_BIN_S = 31 * 86_400

Limit = Annotated[int, Query(ge=1, le=10_000, description="Most points in one answer.")]
After = Annotated[str | None, Query(pattern=f"^{ENTRY_ID}$", description="Comes with `next`.")]
Resolution = Annotated[
    str,
    Query(
        description="`raw`: every frame. A number: bins of so many seconds (whole minutes from 60 on).",
        openapi_examples={
            "raw": {"summary": "every frame", "value": "raw"},
            "minutes": {"summary": "one point per minute", "value": "60"},
        },
    ),
]


@router.get("/{camera_id}/scores", summary="Scores over time", responses=documented(404, 422))
async def scores(
    camera_id: Annotated[str, Path(examples=["gate"])],
    context: In,
    prefix: Prefix,
    from_: From = None,
    to: To = None,
    resolution: Resolution = "raw",
    limit: Limit = 2000,
    after: After = None,
) -> ScoreSeries:
    """Oldest first; the last hour by default. Frames are kept for hours, minutes for weeks (see the settings)."""
    await context.store.cameras.get(camera_id)
    from_ms, to_ms = _ends(from_, to, await context.now_ms())
    width_ms = _width_ms(resolution)
    base = f"{prefix}/api/v1/cameras/{camera_id}/scores"
    query = {"from": from_ms, "to": to_ms, "resolution": resolution, "limit": limit}
    threshold = await _threshold(context, camera_id)
    if width_ms is None:
        found, last = await context.store.scores.frames(camera_id, from_ms, to_ms, limit, after)
        points = [ScorePoint.of(score) for _, score in found]
        more = f"{base}?{urlencode({**query, 'after': last})}" if last else None
        return ScoreSeries(camera_id=camera_id, resolution="raw", threshold=threshold, points=points, next=more)
    binning = await context.store.scores.bins(camera_id, from_ms, to_ms, width_ms, limit)
    bins = [
        ScoreBin(t=one.start_ms, mean=one.total / one.count, peak=one.peak, count=one.count) for one in binning.bins
    ]
    more = f"{base}?{urlencode({**query, 'from': binning.next_ms})}" if binning.next_ms is not None else None
    return ScoreSeries(camera_id=camera_id, resolution=resolution, threshold=threshold, points=bins, next=more)


def _ends(from_: str | None, to: str | None, now_ms: int) -> tuple[int, int]:
    from_ms, to_ms = interval(from_, to)
    to_ms = to_ms if to_ms is not None else max(now_ms, from_ms or 0)
    return (from_ms if from_ms is not None else max(0, to_ms - _DEFAULT_SPAN_MS)), to_ms


def _width_ms(resolution: str) -> int | None:
    """Width of a bin; None for single frames. Raises `InvalidFieldsError`."""
    if resolution == "raw":
        return None
    seconds = float(resolution) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", resolution) else 0.0
    whole_minutes = seconds < 60 or seconds % 60 == 0
    if not 0.001 <= seconds <= _LONGEST_BIN_S or not whole_minutes:
        raise InvalidFieldsError(
            [
                FieldProblem(
                    location="query.resolution",
                    message="use `raw`, or seconds: up to 60, or a multiple of 60 up to 31 days",
                )
            ]
        )
    return round(seconds * 1000)


async def _threshold(context: Context, camera_id: str) -> float | None:
    (record,) = await context.store.statuses.read([camera_id])
    return record.analysis.threshold_on if record.analysis else None
