"""The latest frame of a camera, as a JPEG picture."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response

from patchwatch.contract.timestamps import iso
from service.context import ContextDep
from service.presentation.snapshot import draw_snapshot
from service.problems.responses import documented
from service.routes.api_router import api_router

router = api_router("/cameras", tag="snapshot")
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG picture."}}


@router.get(
    "/{camera_id}/snapshot.jpg",
    summary="Latest frame with its boxes",
    response_class=Response,
    responses={**JPEG, **documented(404)},
)
async def snapshot(
    camera_id: str,
    context: ContextDep,
    boxes: Annotated[bool, Query(description="Whether to draw boxes on the picture.")] = True,
) -> Response:
    """The last scored frame with its detected objects and, if its score is above the threshold, the region behind the
    score."""
    latest = await context.store.frames.latest(await context.store.cameras.get(camera_id))
    frame = latest.frame
    jpeg = frame.jpeg
    if boxes and latest.boxes is not None:
        (record,) = await context.store.statuses.read([camera_id])
        jpeg = await asyncio.to_thread(draw_snapshot, latest, record)
    headers = {
        "Cache-Control": "no-store",
        "X-Patchwatch-Seq": str(frame.seq),
        "X-Patchwatch-Captured-At": iso(frame.captured_at_ns // 1_000_000),
        "X-Patchwatch-Analysed": "true" if latest.boxes is not None else "false",
    }
    return Response(jpeg, media_type="image/jpeg", headers=headers)
