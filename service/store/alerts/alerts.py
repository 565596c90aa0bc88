"""Alerts, by time and by id, and their pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable, required
from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.verdict import Verdict
from service.store.alerts.verdicts import read_verdicts

_PAGE = 200  # alerts
_MAX_PAGES = 25


@dataclass(frozen=True)
class AlertQuery:
    """A filter of alerts. ``from_ms`` and ``to_ms`` limit their start."""

    from_ms: int | None = None
    to_ms: int | None = None
    camera_ids: frozenset[str] = frozenset()  # empty: all
    state: AlertState | None = None
    kinds: frozenset[AlertKind] = frozenset()  # empty: all
    verdicts: frozenset[Verdict] = frozenset()  # empty: all
    reviewed: bool | None = None  # whether it has a verdict; None: either
    zones: frozenset[str] = frozenset()  # names; empty: all, and those outside every zone

    def matches(self, alert: Alert) -> bool:
        """Whether the alert has one of the cameras, kinds and zones, and the state. Its start and verdict are not
        compared."""
        camera_matches = not self.camera_ids or alert.camera_id in self.camera_ids
        zone_matches = not self.zones or not self.zones.isdisjoint(alert.zones)
        kind_matches = not self.kinds or alert.kind in self.kinds
        return camera_matches and zone_matches and kind_matches and self.state in (None, alert.state)

    def within(self, seen: frozenset[str]) -> AlertQuery | None:
        """The same for some cameras only; None where none of its cameras is among them."""
        camera_ids = self.camera_ids & seen if self.camera_ids else seen
        return replace(self, camera_ids=camera_ids) if camera_ids else None

    @property
    def asks_for_verdicts(self) -> bool:
        return bool(self.verdicts) or self.reviewed is not None

    def matches_verdict(self, verdict: Verdict | None) -> bool:
        """``verdict``: the one that counts of an alert."""
        verdict_matches = not self.verdicts or verdict in self.verdicts
        return verdict_matches and self.reviewed in (None, verdict is not None)


class AlertStore:
    """Reads `keys.ALERTS_BY_TIME` and `keys.alert`; by verdict, also `keys.alert_verdicts`.

    ``seen``: the only cameras whose alerts exist for its user; None: all.
    """

    def __init__(self, bus: Redis, seen: frozenset[str] | None = None) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._seen = seen

    def limited(self, seen: frozenset[str] | None) -> AlertStore:
        """The same store, in which only some cameras' alerts exist."""
        return AlertStore(self._bus, seen)

    async def find(
        self, query: AlertQuery, limit: int, after: tuple[int, str] | None
    ) -> tuple[list[Alert], tuple[int, str] | None]:
        """Matching alerts, newest first, and the (start, id) to continue after when there may be more."""
        within = query if self._seen is None else query.within(self._seen)
        if within is None:
            return [], None
        return await self._find(within, limit, after)

    async def _find(
        self, query: AlertQuery, limit: int, after: tuple[int, str] | None
    ) -> tuple[list[Alert], tuple[int, str] | None]:
        alerts: list[Alert] = []
        for _ in range(_MAX_PAGES):
            page = await self._ids(query, after)
            for (at_ms, alert_id), alert in zip(page, await self._matching(query, [i for _, i in page]), strict=True):
                after = at_ms, alert_id
                if alert is not None:
                    alerts.append(alert)
                if len(alerts) == limit:
                    return alerts, after
            if len(page) < _PAGE:
                return alerts, None
        return alerts, after

    async def get(self, alert_id: str) -> Alert:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.get(keys.alert(alert_id))
        alert = None if data is None else required(Alert.decode, data, f"alert {alert_id!r}")
        if alert is None or not (self._seen is None or alert.camera_id in self._seen):
            raise NotFoundError(f"there is no alert {alert_id!r}, or its retention is over: see GET /api/v1/alerts")
        return alert

    async def picture(self, alert_id: str) -> bytes:
        """The JPEG of the frame at the peak. Raises `NotFoundError`."""
        if self._seen is not None:
            await self.get(alert_id)
        with translated():
            data: bytes | None = await self._bus.get(keys.alert_picture(alert_id))
        if data is None:
            raise NotFoundError(f"alert {alert_id!r} has no picture: it was not kept, or its retention is over")
        return data

    async def open_by_camera(self) -> Counter[tuple[str, AlertKind]]:
        """How many of the newest alerts are open, by camera id and kind."""
        alerts, _ = await self.find(AlertQuery(state=AlertState.OPEN), 1000, None)
        return Counter((alert.camera_id, alert.kind) for alert in alerts)

    async def _ids(self, query: AlertQuery, after: tuple[int, str] | None) -> list[tuple[int, str]]:
        top = after[0] if after else query.to_ms
        skipped, offset = True, 0
        page: list[tuple[int, str]] = []
        while skipped and len(page) < _PAGE:
            with translated():
                rows = await self._bus.zrevrangebyscore(
                    keys.ALERTS_BY_TIME,
                    "+inf" if top is None else top,
                    "-inf" if query.from_ms is None else query.from_ms,
                    start=offset, num=_PAGE, withscores=True,
                )  # fmt: skip
            offset += len(rows)
            named = [(int(at_ms), alert_id.decode(errors="replace")) for alert_id, at_ms in rows if isfinite(at_ms)]
            page += [row for row in named if after is None or row < after]
            skipped = len(rows) == _PAGE  # all rows may be of the same millisecond, and on the page before
        return page[:_PAGE]

    async def _matching(self, query: AlertQuery, ids: list[str]) -> list[Alert | None]:
        """The alerts of these ids; None where there is none, or it does not match."""
        found = [alert if alert and query.matches(alert) else None for alert in await self._alerts(ids)]
        if not query.asks_for_verdicts:
            return found
        verdicts = await read_verdicts(self._bus, ids)
        return [
            alert if query.matches_verdict(said.verdict) else None for alert, said in zip(found, verdicts, strict=True)
        ]

    async def _alerts(self, ids: list[str]) -> list[Alert | None]:
        if not ids:
            return []
        with translated():
            stored = await self._bus.mget([keys.alert(alert_id) for alert_id in ids])
        return [readable(Alert.decode, data, f"alert {alert_id!r}") for alert_id, data in zip(ids, stored, strict=True)]
