"""What operators said about alerts. It lies beside the alert, which the inference worker goes on writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.corrections import decoded, queue_corrections
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable, required, said
from patchwatch.bus.streams import MAX_ALERT_CHANGES
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import VERDICT_FIELD, AlertVerdicts, Statement, VerdictChange
from patchwatch.messages.cameras.correction import CameraCorrections, Correction
from service.store.alerts.verdict_corrections import corrected, correction_of

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Said:
    """An alert after a statement on it. ``correction``: that it makes, if any; ``refused``: why it makes none."""

    alert: Alert
    verdicts: AlertVerdicts
    correction: Correction | None = None
    refused: str = ""


@dataclass(frozen=True)
class _Corrections:
    before: CameraCorrections
    after: CameraCorrections | None
    refused: str = ""


class VerdictStore:
    """Writes `keys.alert_verdicts` and `CameraKeys.reviewed`, and tells of every change in `keys.ALERTS`."""

    def __init__(self, bus: Redis, settings: Settings) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = settings.partitions
        self._retention_ms = int(settings.alert_retention_days * _DAY_MS)

    async def of(self, alert_ids: list[str]) -> list[AlertVerdicts]:
        """What was said of each alert, in the order given; empty where nothing was."""
        return await read_verdicts(self._bus, alert_ids)

    async def say(self, alert_id: str, statement: Statement) -> Said:
        """Add a statement, which counts from now on, and make the correction that follows from it. One that repeats
        what counts already changes nothing.

        Of two at the same time the later one counts, and both are kept. Raises `NotFoundError` for an alert that does
        not exist (any more), `UnreadableRecordError` where what was said before cannot be read, and `ConflictError`
        when there is no verdict to take back.
        """
        names = keys.alert(alert_id), keys.alert_verdicts(alert_id), keys.CORRECTIONS, keys.CAMERAS

        async def attempt(pipe: Any) -> Said:
            return await self._say(pipe, alert_id, statement)

        with translated():
            return await transact_async(self._bus, attempt, *names, subject=f"the verdicts on alert {alert_id!r}")

    async def _say(self, pipe: Any, alert_id: str, statement: Statement) -> Said:
        alert = _alert(alert_id, await pipe.get(keys.alert(alert_id)))
        before = _said(alert_id, await pipe.get(keys.alert_verdicts(alert_id)))
        if statement.verdict is None and before.current is None:
            raise ConflictError(
                f"alert {alert_id!r} has no verdict to take back: see GET /api/v1/alerts/{alert_id}/verdict"
            )
        corrections = await self._corrections(pipe, alert, statement)
        correction = None if corrections.refused else correction_of(alert, statement)
        if statement.repeats(before.current):
            return Said(alert, before, correction, corrections.refused)
        lifetime_ms = await pipe.pttl(keys.alert(alert_id))
        after = before.followed_by(statement)
        pipe.multi()
        self._queue(pipe, alert, after, statement, lifetime_ms if lifetime_ms > 0 else self._retention_ms)
        if corrections.after is not None:
            queue_corrections(pipe, corrections.before, corrections.after)
        return Said(alert, after, correction, corrections.refused)

    def _queue(self, pipe: Any, alert: Alert, after: AlertVerdicts, statement: Statement, lifetime_ms: int) -> None:
        pipe.set(keys.alert_verdicts(alert.id), after.encode(), px=lifetime_ms)
        self._count(pipe, alert, statement, statement.at_ms + lifetime_ms)
        change = VerdictChange(alert=alert, statement=statement)
        pipe.xadd(keys.ALERTS, {VERDICT_FIELD: change.encode()}, maxlen=MAX_ALERT_CHANGES, approximate=True)

    async def _corrections(self, pipe: Any, alert: Alert, statement: Statement) -> _Corrections:
        """What becomes of the camera's corrections. A verdict counts also where they cannot be changed."""
        stored = await pipe.hget(keys.CORRECTIONS, alert.camera_id)
        nothing = CameraCorrections(camera_id=alert.camera_id)
        if not await pipe.hexists(keys.CAMERAS, alert.camera_id):
            return _Corrections(nothing, None, "its camera was removed" if statement.verdict else "")
        try:
            before = decoded(alert.camera_id, stored)
            return _Corrections(before, corrected(before, alert, statement))
        except ConflictError as error:
            return _Corrections(nothing, None, str(error))

    def _count(self, pipe: Any, alert: Alert, statement: Statement, expires_at_ms: int) -> None:
        """Into the camera's set of this verdict, out of the others. Alerts that have expired leave the sets with the
        next verdict on the camera, or when the whole set expires."""
        counted = statement.verdict.counted_as if statement.verdict else None
        for word, name in CameraKeys.for_camera(alert.camera_id, self._partitions).reviewed.items():
            pipe.zremrangebyscore(name, "-inf", statement.at_ms)
            if word == counted:
                pipe.zadd(name, {alert.id: expires_at_ms})
                pipe.pexpire(name, self._retention_ms)
            else:
                pipe.zrem(name, alert.id)


async def read_verdicts(bus: Any, alert_ids: list[str]) -> list[AlertVerdicts]:
    """As `VerdictStore.of`."""
    if not alert_ids:
        return []
    with translated():
        stored = await bus.mget([keys.alert_verdicts(alert_id) for alert_id in alert_ids])
    return [_verdicts(alert_id, data) for alert_id, data in zip(alert_ids, stored, strict=True)]


def _alert(alert_id: str, data: bytes | None) -> Alert:
    if data is None:
        raise NotFoundError(f"there is no alert {alert_id!r}, or its retention is over: see GET /api/v1/alerts")
    return required(Alert.decode, data, f"alert {alert_id!r}")


def _said(alert_id: str, data: bytes | None) -> AlertVerdicts:
    remedy = "run the version of Patchwatch that wrote it, or let the alert's retention end"
    return said(AlertVerdicts.decode, data, f"what was said of alert {alert_id!r}", remedy) or AlertVerdicts()


def _verdicts(alert_id: str, data: bytes | None) -> AlertVerdicts:
    return readable(AlertVerdicts.decode, data, f"the verdicts on alert {alert_id!r}") or AlertVerdicts()
