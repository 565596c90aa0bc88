"""Shares the site's budget among the cameras, and writes what each may spend into its configuration."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.alarms import site_budget
from models.alarms.site_budget import CameraRecord
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.budget import Allotment, SiteBudget
from patchwatch.messages.cameras.camera import Camera
from workers.enrolment.upkeep.hours import stored_hours
from workers.enrolment.upkeep.recent_alerts import DAY_MS, LOOK_BACK_DAYS, RecentAlerts

_MINUTES_A_DAY = 1440.0
_SAME = 1e-6  # allotments that differ by less are the same: rounding is no change
_NOTHING_SEEN: Mapping[str, CameraRecord] = {}

log = logging.getLogger(__name__)


class Allotter:
    """Reads `keys.SITE_BUDGET`, and what cameras have spent. ``client`` is synchronous."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._partitions = settings.partitions
        self._budget: SiteBudget | None = None  # as last read

    def budget(self) -> SiteBudget | None:
        """The site's budget; None where nothing was ever said. One that Redis has lost is written back."""
        data = self._client.get(keys.SITE_BUDGET)
        if data is None and self._budget is not None:
            log.warning("Redis has lost the site's budget: putting it back")
            self._client.set(keys.SITE_BUDGET, self._budget.encode(), nx=True)
            return self._budget
        self._budget = readable(SiteBudget.decode, data, "the site's budget") or self._budget
        return self._budget

    def records(self, cameras: Sequence[Camera], alerts: RecentAlerts, now_ms: int) -> dict[str, CameraRecord]:
        """What each camera without a budget of its own has spent of late, by its id."""
        sharing = [camera for camera in cameras if camera.false_alarms_per_day is None]
        return {camera.id: self._record(camera.id, alerts, now_ms) for camera in sharing}

    def _record(self, camera_id: str, alerts: RecentAlerts, now_ms: int) -> CameraRecord:
        of = CameraKeys.for_camera(camera_id, self._partitions)
        since_ms = now_ms - LOOK_BACK_DAYS * DAY_MS
        hours = stored_hours(self._client, of, LOOK_BACK_DAYS * 24)
        known = [hour for hour in hours if hour.hour_ms >= since_ms and hour.level_per_day is not None]
        minutes = sum(hour.minutes for hour in known)
        expected = sum(hour.minutes * (hour.level_per_day or 0.0) for hour in known)
        confirmed = {name.decode(errors="replace") for name in self._client.zrange(of.reviewed_anomaly, 0, -1)}
        spent = [
            alert
            for alert in alerts.of(camera_id)
            if alert.kind is AlertKind.ANOMALY and not alert.provisional and alert.id not in confirmed
        ]
        return CameraRecord(camera_id, minutes / _MINUTES_A_DAY, len(spent), expected / _MINUTES_A_DAY)


def is_due(cameras: Sequence[Camera], now_ms: int) -> bool:
    """Whether the last reckoning is a day away: ago, or ahead, if a clock was then."""
    settled = [camera.allotment.settled_at_ms for camera in cameras if camera.allotment]
    return any(abs(now_ms - at_ms) >= DAY_MS for at_ms in settled)


def changed(
    budget: SiteBudget, cameras: Sequence[Camera], now_ms: int, spent: Mapping[str, CameraRecord] = _NOTHING_SEEN
) -> list[Camera]:
    """The cameras whose allotment changes, with the new one.

    ``spent``: what each has spent, where that is to be reckoned up, once a day; a day's step is taken then. Without it
    another budget or another set of cameras is followed in the proportions that hold. A camera that is off has nothing.
    """
    wanted = _allotments(budget, cameras, now_ms, spent)
    return [
        camera.model_copy(update={"allotment": wanted.get(camera.id)})
        for camera in cameras
        if not _same(camera.allotment, wanted.get(camera.id))
    ]


def _allotments(
    budget: SiteBudget, cameras: Sequence[Camera], now_ms: int, spent: Mapping[str, CameraRecord]
) -> dict[str, Allotment]:
    if budget.per_day is None:
        return {}
    records = [_with_present(camera, spent.get(camera.id)) for camera in cameras if camera.enabled]
    allotted = site_budget.allot(budget.per_day, records, 1.0 if spent else 0.0)
    settled = {camera.id: camera.allotment.settled_at_ms for camera in cameras if camera.allotment and not spent}
    return {
        name: Allotment(
            per_day=one.per_day,
            share=one.share_per_day,
            level_per_day=one.level_per_day,
            settled_at_ms=settled.get(name, now_ms),
        )
        for name, one in allotted.items()
    }


def _with_present(camera: Camera, spent: CameraRecord | None) -> CameraRecord:
    known = replace(spent or CameraRecord(camera.id), own_per_day=camera.false_alarms_per_day)
    if camera.allotment is None:
        return known
    return replace(known, part=camera.allotment.part, excess=camera.allotment.excess)


def _same(one: Allotment | None, other: Allotment | None) -> bool:
    if one is None or other is None:
        return one is other
    close = all(
        math.isclose(mine, theirs, rel_tol=_SAME) for mine, theirs in zip(_numbers(one), _numbers(other), strict=True)
    )
    return close and one.settled_at_ms == other.settled_at_ms


def _numbers(allotment: Allotment) -> tuple[float, float, float]:
    return allotment.per_day, allotment.share, allotment.level_per_day
