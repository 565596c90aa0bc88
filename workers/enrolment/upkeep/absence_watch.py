"""Watches for absence: judges the activity of each camera that asks for it, opens and closes alerts of that kind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.activity import KEPT_WEEKS, Absence, AbsenceState, decoded_weeks, place_of
from patchwatch.messages.cameras.camera import Camera
from workers.enrolment.upkeep.absence_judge import judged
from workers.runtime.alert_records import lifetime_s, queue_alert, queue_announcement
from workers.runtime.leases import Lease

log = logging.getLogger(__name__)


class AbsenceWatch:
    """Reads `CameraKeys.activity`, which inference workers write, and writes `keys.ABSENCES`."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._partitions = settings.partitions
        self._kept_s = lifetime_s(settings.alert_retention_days)

    def follow(
        self, lease: Lease, cameras: list[Camera], now_ms: int, is_there: Callable[[Camera], Callable[[Any], bool]]
    ) -> None:
        """Judge the cameras that watch for absence, and end what is known of others. Raises `LeaseLostError`.

        ``is_there``: gives, for a camera, what tells within a transaction whether it was not removed meanwhile.
        """
        watching = {one.id: one for one in cameras if one.enabled and one.absence_chance is not None}
        known = self._known()
        for camera_id in known.keys() - watching.keys():
            self._end(lease, known[camera_id], now_ms)
        for camera in watching.values():
            self._follow(lease, camera, known.get(camera.id), now_ms, is_there(camera))

    def _known(self) -> dict[str, Absence]:
        stored = self._client.hgetall(keys.ABSENCES).items()
        read = (readable(Absence.decode, data, f"the absence of camera {name!r}") for name, data in stored)
        return {absence.camera_id: absence for absence in read if absence is not None}

    def _follow(
        self, lease: Lease, camera: Camera, before: Absence | None, now_ms: int, is_there: Callable[[Any], bool]
    ) -> None:
        name = CameraKeys.for_camera(camera.id, self._partitions).activity
        weeks = decoded_weeks(self._client.hgetall(name))
        absence = judged(camera, weeks, now_ms)
        alert, change = _next_alert(camera, absence, before.alert if before else None, now_ms)
        absence = absence.model_copy(update={"alert": alert})
        outdated = [week for week in weeks if week <= place_of(now_ms)[0] - KEPT_WEEKS]
        if not outdated and before is not None and before.model_copy(update={"updated_at_ms": 0}) == absence:
            return

        def queue(pipe: Any) -> None:
            if change is not None:
                self._queue_change(pipe, change, now_ms)
            if outdated:
                pipe.hdel(name, *map(str, outdated))
            pipe.hset(keys.ABSENCES, camera.id, absence.model_copy(update={"updated_at_ms": now_ms}).encode())

        lease.write(self._client, queue, is_there)

    def _end(self, lease: Lease, gone: Absence, now_ms: int) -> None:
        def queue(pipe: Any) -> None:
            if gone.alert is not None:
                self._queue_change(pipe, _closed(gone.alert, now_ms), now_ms)
            pipe.hdel(keys.ABSENCES, gone.camera_id)

        lease.write(self._client, queue)

    def _queue_change(self, pipe: Any, alert: Alert, now_ms: int) -> None:
        queue_alert(pipe, alert, self._kept_s)
        queue_announcement(pipe, alert, now_ms)
        if alert.state is AlertState.OPEN:
            log.warning("%s: absence: %s", alert.camera_id, alert.detail)
        else:
            log.info("%s: absence is over", alert.camera_id)


def _next_alert(
    camera: Camera, judged: Absence, before: Alert | None, now_ms: int
) -> tuple[Alert | None, Alert | None]:
    """The alert that is open from now on, and the change that subscribers are told of; None where there is none."""
    if judged.state is not AbsenceState.ABSENT or judged.quiet_since_ms is None:
        return None, None if before is None else _closed(before, now_ms)
    if before is not None:
        return before, None
    opened = Alert(
        id=f"{camera.id}-{AlertKind.ABSENCE.value}-{judged.quiet_since_ms}", camera_id=camera.id,
        kind=AlertKind.ABSENCE, state=AlertState.OPEN, started_at_ms=judged.quiet_since_ms, opened_at_ms=now_ms,
        peak_at_ms=now_ms, profile=camera.profile, detail=judged.text,
    )  # fmt: skip
    return opened.model_copy(update={"told": 1}), opened


def _closed(alert: Alert, now_ms: int) -> Alert:
    ended_ms = max(now_ms, alert.opened_at_ms)
    return alert.model_copy(update={"state": AlertState.CLOSED, "ended_at_ms": ended_ms})
