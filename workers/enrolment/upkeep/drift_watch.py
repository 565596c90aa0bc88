"""Follows the drift of each camera: writes what is judged, and opens and closes alerts of the kind `drift`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.drift import Drift
from workers.runtime.alert_records import lifetime_s, queue_alert, queue_announcement

log = logging.getLogger(__name__)


class DriftWatch:
    """Reads and writes `keys.DRIFTS`. ``client`` is synchronous; writes are queued for the caller's transaction."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._kept_s = lifetime_s(settings.alert_retention_days)

    def known(self) -> dict[str, Drift]:
        """As last written, by camera id."""
        found = {}
        for name, data in self._client.hgetall(keys.DRIFTS).items():
            drift = readable(Drift.decode, data, f"the drift of camera {name!r}")
            if drift is not None:
                found[drift.camera_id] = drift
        return found

    def queue(self, pipe: Any, camera: Camera, judged: Drift, before: Drift | None, now_ms: int) -> None:
        """Queue what is judged now, and the alert that follows from it."""
        alert, change = _next_alert(camera, judged, before.alert if before else None, now_ms)
        if change is not None:
            self._queue_change(pipe, change, now_ms)
        written = judged.model_copy(update={"alert": alert, "updated_at_ms": now_ms})
        pipe.hset(keys.DRIFTS, camera.id, written.encode())

    def queue_end(self, pipe: Any, gone: Mapping[str, Drift], now_ms: int) -> None:
        """Queue the end of what is known of cameras that are gone."""
        for camera_id, drift in gone.items():
            if drift.alert is not None:
                self._queue_change(pipe, _closed(drift.alert, now_ms), now_ms)
            pipe.hdel(keys.DRIFTS, camera_id)

    def _queue_change(self, pipe: Any, alert: Alert, now_ms: int) -> None:
        queue_alert(pipe, alert, self._kept_s)
        queue_announcement(pipe, alert, now_ms)
        if alert.state is AlertState.OPEN:
            log.warning("%s: drift: %s", alert.camera_id, alert.detail)
        else:
            log.info("%s: drift is over", alert.camera_id)


def _next_alert(camera: Camera, judged: Drift, before: Alert | None, now_ms: int) -> tuple[Alert | None, Alert | None]:
    """The alert that is open from now on, and the change that subscribers are told of; None where there is none."""
    if not judged.streams:
        return None, None if before is None else _closed(before, now_ms)
    if before is not None:
        return before, None
    opened = _opened(camera, judged, now_ms)
    return opened.model_copy(update={"told": 1}), opened


def _opened(camera: Camera, judged: Drift, now_ms: int) -> Alert:
    since_ms = min(stream.since_ms for stream in judged.streams)
    return Alert(
        id=f"{camera.id}-{AlertKind.DRIFT.value}-{since_ms}", camera_id=camera.id, kind=AlertKind.DRIFT,
        state=AlertState.OPEN, started_at_ms=since_ms, opened_at_ms=now_ms, peak_at_ms=now_ms, profile=camera.profile,
        bank_id=judged.bank_id or "", detail=judged.text,
    )  # fmt: skip


def _closed(alert: Alert, now_ms: int) -> Alert:
    ended_ms = max(now_ms, alert.opened_at_ms)
    return alert.model_copy(update={"state": AlertState.CLOSED, "ended_at_ms": ended_ms})
