"""The end of the stream of alerts, from which a subscriber follows, and which alerts began before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import stream_info_async
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertState
from patchwatch.messages.alerts.verdict import ALERT_FIELD, tells_of_alert
from service.store.alerts.alerts import AlertQuery, AlertStore

_PAGE = 1000  # alerts, entries


@dataclass(frozen=True)
class AlertPosition:
    """``last_id``: of the last entry; ``passed``: how many there have been. ``open``: the alerts whose opening lies
    before this end and whose closing may lie after it."""

    last_id: str = "0-0"
    passed: int = 0
    open: tuple[Alert, ...] = ()


async def end_of_alerts(bus: Any, alerts: AlertStore) -> AlertPosition:
    """The present end. An alert that changes meanwhile counts by where its opening lies. Raises
    `BusUnavailableError`."""
    with translated():
        info = await stream_info_async(bus, keys.ALERTS)
    if info is None:
        return AlertPosition()
    began = {alert.id: alert for alert in await _all_open(alerts)}
    began_since: set[str] = set()
    for alert in await _changes_since(bus, info.last_id):
        if alert.change is AlertChange.OPEN:
            began_since.add(alert.id)
        else:
            began.setdefault(alert.id, alert)
    before = tuple(alert for alert in began.values() if alert.id not in began_since)
    return AlertPosition(info.last_id, info.added, before)


async def _all_open(alerts: AlertStore) -> list[Alert]:
    found: list[Alert] = []
    after: tuple[int, str] | None = None
    while True:
        page, after = await alerts.find(AlertQuery(state=AlertState.OPEN), _PAGE, after)
        found += page
        if after is None:
            return found


async def _changes_since(bus: Any, entry_id: str) -> list[Alert]:
    with translated():
        rows = await bus.xrange(keys.ALERTS, min=f"({entry_id}", count=_PAGE)
    changes = [(name, fields.get(ALERT_FIELD, b"")) for name, fields in rows if tells_of_alert(fields)]
    read = (readable(Alert.decode, data, f"alert change {name!r}") for name, data in changes)
    return [alert for alert in read if alert is not None]
