"""The alerts of the last days, by camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.alert import Alert, AlertKind

DAY_MS = 86_400_000
LOOK_BACK_DAYS = 7
_MOST = 20_000  # alerts of all cameras; the newest
_PAGE = 200
_AROUND_MS = 30_000  # before and after an alert, in which nothing counts as quiet
_EVENT_MS = 3_600_000  # an anomaly that lasts longer is no event any more: the scene has changed

Interval = tuple[int, int]


class RecentAlerts:
    """Those that began within `LOOK_BACK_DAYS` and are still kept, as read once."""

    def __init__(self, client: Any, now_ms: int) -> None:
        self._client = client
        self._now_ms = now_ms
        self._by_camera: dict[str, list[Alert]] | None = None

    def of(self, camera_id: str) -> Sequence[Alert]:
        if self._by_camera is None:
            self._by_camera = self._read()
        return self._by_camera.get(camera_id, ())

    def _read(self) -> dict[str, list[Alert]]:
        oldest_ms = self._now_ms - LOOK_BACK_DAYS * DAY_MS
        names = self._client.zrevrangebyscore(keys.ALERTS_BY_TIME, self._now_ms, oldest_ms, start=0, num=_MOST)
        alerts: dict[str, list[Alert]] = defaultdict(list)
        for start in range(0, len(names), _PAGE):
            page = [name.decode(errors="replace") for name in names[start : start + _PAGE]]
            for name, data in zip(page, self._client.mget([keys.alert(name) for name in page]), strict=True):
                alert = readable(Alert.decode, data, f"alert {name!r}")
                if alert is not None:
                    alerts[alert.camera_id].append(alert)
        return alerts

    def restless(self, camera_id: str) -> list[Interval]:
        """When the camera was not quiet: from and to, in milliseconds since the epoch.

        An anomaly counts for its first hour. One that lasts is what a changed scene looks like, and were it left out,
        no drift would ever be seen.
        """
        found = []
        for alert in self.of(camera_id):
            if alert.kind in (AlertKind.DRIFT, AlertKind.LASTING_CHANGE, AlertKind.ABSENCE):
                continue
            ended_ms = alert.ended_at_ms if alert.ended_at_ms is not None else self._now_ms
            if alert.kind is AlertKind.ANOMALY:
                ended_ms = min(ended_ms, alert.started_at_ms + _EVENT_MS)
            found.append((alert.started_at_ms - _AROUND_MS, ended_ms + _AROUND_MS))
        return found
