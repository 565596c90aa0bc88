"""The closed alerts of all cameras, as far back as events are compared: what is new of them, and what was before."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any

from models.memory.recurrence import LONGEST_MS, WITHIN_MS, Occurrence
from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState

_PAGE = 500
_MOST_PAGES = 40  # at a look: the newest 20,000 alerts
_MOST_A_CAMERA = 256  # the newest
_AGAIN_MS = 2 * LONGEST_MS  # an alert that is open for longer will not be compared


class AlertLog:
    """Keeps the occurrences of each camera and profile, at most 256 of each. An alert that is open is looked at again
    until it closes or lasts too long."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], deque[Occurrence]] = defaultdict(lambda: deque(maxlen=_MOST_A_CAMERA))
        self._ids: set[str] = set()
        self._read_ms = 0

    def read(self, client: Any, now_ms: int) -> list[tuple[str, str, Occurrence]]:
        """Those that closed since the last look: camera, profile and occurrence, oldest first. Raises redis-py's
        errors."""
        since_ms = max(self._read_ms - _AGAIN_MS, now_ms - WITHIN_MS)
        found = []
        for number in range(_MOST_PAGES):
            ids = client.zrevrangebyscore(keys.ALERTS_BY_TIME, "+inf", since_ms, start=number * _PAGE, num=_PAGE)
            found += [alert for alert in _alerts(client, ids) if alert.id not in self._ids]
            if len(ids) < _PAGE:
                break
        self._read_ms = now_ms
        self._ids = {one.id for known in self._known.values() for one in known}
        return [self._add(alert) for alert in sorted(found, key=lambda alert: alert.started_at_ms)]

    def _add(self, alert: Alert) -> tuple[str, str, Occurrence]:
        one = Occurrence(alert.id, alert.started_at_ms, alert.ended_at_ms or alert.started_at_ms)
        if one.id not in self._ids:
            self._ids.add(one.id)
            self._known[alert.camera_id, alert.profile].append(one)
        return alert.camera_id, alert.profile, one

    def of(self, camera_id: str, profile: str) -> list[Occurrence]:
        """Those known of a camera, oldest first."""
        return list(self._known.get((camera_id, profile), ()))

    def keep(self, cameras: Iterable[tuple[str, str]]) -> None:
        """Forget all other cameras and profiles."""
        for gone in self._known.keys() - set(cameras):
            del self._known[gone]


def _alerts(client: Any, ids: list[bytes]) -> list[Alert]:
    if not ids:
        return []
    stored = client.mget([keys.alert(alert_id.decode(errors="replace")) for alert_id in ids])
    alerts = (readable(Alert.decode, data, f"alert {name!r}") for name, data in zip(ids, stored, strict=True))
    return [alert for alert in alerts if alert is not None and _is_compared(alert)]


def _is_compared(alert: Alert) -> bool:
    return alert.kind is AlertKind.ANOMALY and alert.state is AlertState.CLOSED
