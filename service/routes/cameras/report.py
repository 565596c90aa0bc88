"""The report on a camera's last days."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from patchwatch.contract.errors import RetryableError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.banks.bank_version import CameraBanks
from patchwatch.messages.cameras.quiet_hour import HOUR_MS
from service.context import Context, ContextDep
from service.presentation.camera_status import camera_statuses
from service.presentation.reports.report import Judged, ReportFacts, report_of
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.cameras.report import CameraReport
from service.store.alerts.alerts import AlertQuery

router = api_router("/cameras/{camera_id}/report", tag="status")
_DAY_MS = 24 * HOUR_MS
_BEFORE_MS = 7 * _DAY_MS  # conditions that began so long before the period may last into it
_MOST_ALERTS = 2000  # of one camera
_AT_ONCE = 200


@router.get("", summary="Report on a camera's last days", responses=documented(404, 422))
async def get(
    camera_id: str,
    context: ContextDep,
    days: Annotated[int, Query(ge=1, le=31, description="Up to now.")] = 7,
) -> CameraReport:
    """How it was watched, its alerts, whether its alarm budget was kept, what it learnt, whether it drifts, and what to
    do next."""
    camera = await context.store.cameras.get(camera_id)
    (status,) = await camera_statuses(context, [camera])
    to_ms = await context.now_ms()
    from_ms = max(0, to_ms - days * _DAY_MS)
    alerts, complete = await _alerts(context, camera_id, from_ms, to_ms)
    return report_of(
        ReportFacts(
            camera=camera,
            status=status,
            from_ms=from_ms,
            to_ms=to_ms,
            hours=await context.store.hours.between(camera_id, from_ms, to_ms),
            alerts=alerts,
            complete=complete,
            banks=await _banks(context, camera_id),
            drift=await context.store.hours.drift(camera_id),
            corrections=await context.store.hours.corrections_in_force(camera_id),
            budget_by_default=context.settings.false_alarms_per_day,
        )
    )


async def _alerts(context: Context, camera_id: str, from_ms: int, to_ms: int) -> tuple[list[Judged], bool]:
    """The alerts of the period and what lasted into it, with their verdicts, and whether these are all."""
    query = AlertQuery(from_ms=max(0, from_ms - _BEFORE_MS), to_ms=to_ms, camera_ids=frozenset({camera_id}))
    found, more = await context.store.alerts.find(query, _MOST_ALERTS, None)
    lasting = [alert for alert in found if alert.started_at_ms >= from_ms or _lasts_into(alert, from_ms)]
    judged: list[Judged] = []
    for start in range(0, len(lasting), _AT_ONCE):
        page = lasting[start : start + _AT_ONCE]
        said = await context.store.verdicts.of([alert.id for alert in page])
        judged += [(alert, verdicts.verdict) for alert, verdicts in zip(page, said, strict=True)]
    return judged, more is None


def _lasts_into(alert: Alert, from_ms: int) -> bool:
    return alert.ended_at_ms is None or alert.ended_at_ms > from_ms


async def _banks(context: Context, camera_id: str) -> CameraBanks:
    try:
        return await context.store.banks.get(camera_id)
    except RetryableError:  # no enrolment worker has listed them yet
        return CameraBanks(camera_id=camera_id)
