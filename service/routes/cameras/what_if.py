"""Before a change is applied: what the stored past of a camera would have been under it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Body, Path

from patchwatch.messages.what_if import MAX_DAYS, Change
from service.context import ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.time_range import From, To, time_range_ms
from service.schemas.banks.what_if import WhatIfView

router = api_router("/cameras", tag="cameras")
_LONGEST_MS = MAX_DAYS * 86_400_000
_EXAMPLES: dict[str, Any] = {
    "budget": {"summary": "another alarm budget", "value": {"change": "budget", "false_alarms_per_day": 2}},
    "level": {"summary": "another level", "value": {"change": "level", "on": 0.8}},
    "muted": {"summary": "other muted kinds", "value": {"change": "muted", "muted": ["place"]}},
    "bank": {"summary": "another bank", "value": {"change": "bank", "bank_id": "0a1b2c3d4e5f"}},
    "learn": {
        "summary": "a stretch of time that is normal, or is not to be learnt (forget)",
        "value": {"change": "learn", "from": "2026-11-28T22:00:00Z", "to": "2026-11-28T22:05:00Z"},
    },
}


@router.post("/{camera_id}/what-if", summary="Try a change on the past", responses=documented(404, 422, 429))
async def what_if(
    camera_id: Annotated[str, Path(examples=["gate"])],
    body: Annotated[Change, Body(openapi_examples=_EXAMPLES)],
    context: ContextDep,
    prefix: LinkPrefix,
    from_: From = None,
    to: To = None,
) -> WhatIfView:
    """Which alerts of the stored past would be gone, and which new, under another budget, level, muting, bank or
    zones, or once a stretch of time is learnt or forgotten. Nothing is changed. Without `from` and `to`: as far back as
    is stored. Budget, level and muting are judged from the stored scores: muting from those of the last hours
    (PATCHWATCH_SCORE_RETENTION_HOURS), the others from those of a week that can raise an alert."""
    await context.store.cameras.get(camera_id)
    from_ms, to_ms = _span(from_, to, await context.now_ms())
    answer = await context.store.what_ifs.ask(camera_id, body, from_ms, to_ms)
    return WhatIfView.from_answer(camera_id, answer, prefix)


def _span(from_: datetime | None, to: datetime | None, now_ms: int) -> tuple[int, int]:
    """Both ends; without them, the longest time until now."""
    from_ms, to_ms = time_range_ms(from_, to)
    to_ms = now_ms if to_ms is None else to_ms
    if from_ms is None:
        return max(0, to_ms - _LONGEST_MS), to_ms
    if not 0 <= to_ms - from_ms <= _LONGEST_MS:
        raise InvalidFieldsError.from_field("query.from", f"ask for at most {MAX_DAYS} days, and for a past time")
    return from_ms, to_ms
