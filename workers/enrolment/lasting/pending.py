"""The lasting changes that are pending, in Redis, each with its alert: opened, closed, or refused for good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from models.memory.lasting_change import LastingChange
from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable_by_id
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.camera import Camera, is_over
from patchwatch.messages.cameras.lasting_change import PendingChange
from workers.enrolment.lasting.words import while_pending
from workers.runtime.alert_records import lifetime_s, queue_alert, queue_announcement
from workers.runtime.leases import Lease

_GONE = "the camera is not watched any more"
log = logging.getLogger(__name__)


class Pending:
    """Reads and writes `keys.LASTING_CHANGES`. Methods that write raise `LeaseLostError` and `ContentionError`."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._kept_s = lifetime_s(settings.alert_retention_days)

    def known(self) -> dict[str, PendingChange]:
        """As last written, by camera id."""
        stored = self._client.hgetall(keys.LASTING_CHANGES)
        return readable_by_id(PendingChange.decode, stored, "lasting change")

    def open(
        self, lease: Lease, camera: Camera, change: LastingChange, before: PendingChange | None, now_ms: int
    ) -> None:
        """Raise its alert, once."""
        if before is not None and before.alert is not None:
            return
        alert = _opened(camera, change, now_ms)
        told = alert.model_copy(update={"told": 1})
        pending = PendingChange(camera_id=camera.id, since_ms=change.since_ms, alert=told)
        self._write(lease, camera, pending, alert, now_ms)
        log.warning("%s: lasting change: %s", camera.id, alert.detail)

    def refuse(
        self, lease: Lease, camera: Camera, change: LastingChange, before: PendingChange | None, now_ms: int, why: str
    ) -> None:
        """Close its alert, and raise no other as long as it lasts."""
        if before is not None and before.refused and before.alert is None:
            return
        closed = _closed(before.alert, now_ms, why) if before is not None and before.alert is not None else None
        since_ms = change.since_ms if before is None else before.since_ms
        self._write(lease, camera, PendingChange(camera_id=camera.id, since_ms=since_ms, refused=True), closed, now_ms)

    def learnt(self, lease: Lease, camera: Camera, before: PendingChange | None, now_ms: int, words: str) -> None:
        """Close its alert."""
        alert = before.alert if before is not None else None
        self._write(lease, camera, None, None if alert is None else _closed(alert, now_ms, words), now_ms)

    def end(self, lease: Lease, gone: Sequence[PendingChange], now_ms: int, why: str = _GONE) -> None:
        """Close the alerts of these, and forget them."""
        for one in gone:
            closed = None if one.alert is None else _closed(one.alert, now_ms, why)

            def queue(pipe: Any, one: PendingChange = one, closed: Alert | None = closed) -> None:
                self._queue(pipe, closed, now_ms)
                pipe.hdel(keys.LASTING_CHANGES, one.camera_id)

            lease.write(self._client, queue)

    def _write(
        self, lease: Lease, camera: Camera, pending: PendingChange | None, change: Alert | None, now_ms: int
    ) -> None:
        def queue(pipe: Any) -> None:
            self._queue(pipe, change, now_ms)
            if pending is None:
                pipe.hdel(keys.LASTING_CHANGES, camera.id)
            else:
                pipe.hset(keys.LASTING_CHANGES, camera.id, pending.encode())

        lease.write(self._client, queue, _is_there(camera))

    def _queue(self, pipe: Any, change: Alert | None, now_ms: int) -> None:
        if change is not None:
            queue_alert(pipe, change, self._kept_s)
            queue_announcement(pipe, change, now_ms)


def _is_there(camera: Camera) -> Callable[[Any], bool]:
    """Whether the camera was not removed meanwhile."""

    def check(pipe: Any) -> bool:
        pipe.watch(keys.CAMERAS)
        return not is_over(pipe.hget(keys.CAMERAS, camera.id), camera.incarnation)

    return check


def _opened(camera: Camera, change: LastingChange, now_ms: int) -> Alert:
    alert_id = f"{camera.id}-{AlertKind.LASTING_CHANGE.value}-{change.since_ms}"
    return Alert(
        id=alert_id, camera_id=camera.id, kind=AlertKind.LASTING_CHANGE, state=AlertState.OPEN,
        started_at_ms=change.since_ms, opened_at_ms=now_ms, peak_at_ms=now_ms, profile=camera.profile,
        detail=while_pending(change, alert_id, now_ms),
    )  # fmt: skip


def _closed(alert: Alert, now_ms: int, why: str) -> Alert:
    ended_ms = max(now_ms, alert.opened_at_ms)
    return alert.model_copy(update={"state": AlertState.CLOSED, "ended_at_ms": ended_ms, "detail": why})
