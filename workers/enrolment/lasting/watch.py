"""Watches for lasting changes of the scene: raises one alert about each, and has it learnt once it has lasted.

What is pending stands in Redis, what was seen in the memory: a restart, or another worker, goes on from there.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.alarms.alarm_threshold import LEAST_ON, OFF_OF_ON
from models.banks.bank import Bank
from models.banks.bank_file import load_bank
from models.memory.lasting_change import LastingChange, find_change, may_last
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import StretchInfo
from models.memory.stretches.stretch_identity import stretch_identity
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.corrections import change_corrections, decoded
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.contract.errors import (
    ConflictError,
    ContentionError,
    LeaseLostError,
    NotFoundError,
    PatchwatchError,
)
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import CameraCorrections
from patchwatch.messages.cameras.lasting_change import PendingChange
from workers.analysis.alarm_rule import rule_in_force
from workers.analysis.anomaly_kinds import streams_of
from workers.enrolment.lasting.admission import admitted, judged_ms, refusal, without_outdated
from workers.enrolment.lasting.pending import Pending
from workers.enrolment.lasting.words import in_short, once_learnt
from workers.enrolment.polling_thread import PollingThread
from workers.enrolment.upkeep.recent_alerts import RecentAlerts
from workers.runtime.leases import Lease

_POLL_S = 15.0
_REFUSED = "an operator's word keeps it from being learnt: it stays an anomaly"
_OVER = "the scene is as it was"

log = logging.getLogger(__name__)


@dataclass
class _Watched:
    """The memory of one camera and profile, and its state when it was last looked at."""

    store: MemoryStore
    seen: tuple[int, int] = (-1, -1)  # when the folder changed, ns, and the revision of the corrections


class LastingWatch:
    """Its ``thread`` runs beside the enrolments. ``tenure`` gives the value of the upkeep's lease while it is held."""

    def __init__(self, settings: Settings, client: Any, unit: LeaseKeys, tenure: Callable[[], bytes | None]) -> None:
        self._settings = settings
        self._client = client
        self._unit = unit
        self._tenure = tenure
        self._clock = BusClock()
        self._pending = Pending(client, settings)
        self._watched: dict[tuple[str, str], _Watched] = {}
        self.thread = PollingThread("lasting changes", self.poll, _POLL_S, "changes of the scene alarm until then")

    def poll(self) -> None:
        """Look at each camera of which more is remembered than before, if the lease is held."""
        value = self._tenure()
        if value is None:
            return
        lease, known = Lease(self._unit, value), self._pending.known()
        self._clock.sync(self._client)
        cameras = {camera.id: camera for camera in self._cameras()}
        self._watched = {of: one for of, one in self._watched.items() if of[0] in cameras}
        with suppress(LeaseLostError, ContentionError):  # another worker does it, or it is tried again in a moment
            self._pending.end(lease, [one for one in known.values() if one.camera_id not in cameras], self._now_ms)
            revision = int(self._client.get(keys.CORRECTIONS_REVISION) or 0)
            for camera in cameras.values():
                self._look_at(lease, camera, known.get(camera.id), revision)

    @property
    def _now_ms(self) -> int:
        return self._clock.now_ms()

    def _cameras(self) -> list[Camera]:
        """Those that learn by themselves."""
        cameras = readable_by_id(Camera.decode, self._client.hgetall(keys.CAMERAS), "camera").values()
        learns = self._settings.memory_mb > 0
        return [camera for camera in cameras if learns and camera.self_arms(self._settings.self_arm)]

    def _look_at(self, lease: Lease, camera: Camera, before: PendingChange | None, revision: int) -> None:
        watched = self._watched.get((camera.id, camera.profile))
        if watched is None:
            watched = self._watched[camera.id, camera.profile] = self._new(camera)
        state = self._changed_ns(camera), revision
        if state == watched.seen:
            return
        watched.seen = state
        try:
            self._judge(lease, camera, watched.store, before)
        except (NotFoundError, ConflictError) as error:  # removed meanwhile, or a bound: see the alert
            log.info("%s: %s", camera.id, error)
        except (LeaseLostError, ContentionError):
            watched.seen = (-1, -1)
            raise
        except PatchwatchError as error:  # without a bank nothing alarms, and a disk that fails shows elsewhere
            log.debug("%s: no lasting change is looked for: %s", camera.id, error)

    def _new(self, camera: Camera) -> _Watched:
        return _Watched(MemoryStore(self._settings.memory_path(camera.id, camera.profile), self._settings.memory_mb))

    def _changed_ns(self, camera: Camera) -> int:
        try:
            return self._settings.memory_path(camera.id, camera.profile).stat().st_mtime_ns
        except OSError:
            return 0

    def _judge(self, lease: Lease, camera: Camera, store: MemoryStore, before: PendingChange | None) -> None:
        said = decoded(camera.id, self._client.hget(keys.CORRECTIONS, camera.id))
        if without_outdated(said, self._now_ms) != said:
            said = change_corrections(self._client, camera.id, partial(without_outdated, now_ms=self._now_ms))
        infos = store.infos()
        if before is None and not _may_be_over(infos):
            return  # a look at the index, for nearly all cameras nearly always
        bank = load_bank(self._settings.bank_path(camera.id, camera.profile))
        infos = _of_the_bank(infos, bank)
        rule, after_ms = rule_in_force(bank, camera, self._settings), judged_ms(said)
        if not may_last(infos, rule, after_ms):
            self._end(lease, before)
            return
        rejected = [(span.from_ms, span.until_ms) for span in said.rejected_spans()]
        change = find_change(bank, rule, infos, store.read, rejected, streams_of(camera.muted), after_ms)
        if change is not None:
            self._follow(lease, camera, said, change, before)

    def _end(self, lease: Lease, before: PendingChange | None) -> None:
        if before is not None:
            self._pending.end(lease, [before], self._now_ms, _OVER)

    def _follow(
        self, lease: Lease, camera: Camera, said: CameraCorrections, change: LastingChange,
        before: PendingChange | None,
    ) -> None:  # fmt: skip
        if (before is not None and before.refused) or refusal(said, change, self._now_ms):
            self._pending.refuse(lease, camera, change, before, self._now_ms, _REFUSED)
            return
        if not change.has_lasted(_shown_ms(before, self._now_ms)) or self._keeps_its_bank(camera):
            self._pending.open(lease, camera, change, before, self._now_ms)
            return
        lease.check(*self._client.mget(self._unit.lease, self._unit.fence))
        correction_id = secrets.token_hex(8)
        add = partial(
            admitted, change=change, note=in_short(change), alert_ids=self._alert_ids(camera, change, before),
            correction_id=correction_id, now_ms=self._now_ms,
        )  # fmt: skip
        change_corrections(self._client, camera.id, add)
        words = once_learnt(change, camera.id, correction_id)
        self._pending.learnt(lease, camera, before, self._now_ms, words)
        log.warning("%s: %s", camera.id, words)

    def _keeps_its_bank(self, camera: Camera) -> bool:
        """Whether an operator activated the bank that scores: what is learnt by itself would not replace it."""
        status = readable(MemoryStatus.decode, self._client.hget(keys.MEMORIES, camera.id), "what is remembered")
        return status is not None and status.chosen is not None

    def _alert_ids(self, camera: Camera, change: LastingChange, before: PendingChange | None) -> list[str]:
        """Of the alerts about it, its own first."""
        alerts: Sequence[Alert] = RecentAlerts(self._client, self._now_ms).of(camera.id)
        about = [
            alert.id
            for alert in sorted(alerts, key=lambda alert: alert.started_at_ms)
            if alert.kind is AlertKind.ANOMALY
            and alert.started_at_ms <= change.until_ms
            and (alert.ended_at_ms is None or alert.ended_at_ms >= change.since_ms)
        ]
        own = [before.alert.id] if before is not None and before.alert is not None else []
        return own + about


def _shown_ms(pending: PendingChange | None, now_ms: int) -> int:
    """For how long its alert has been open; 0 without one."""
    return 0 if pending is None or pending.alert is None else max(0, now_ms - pending.alert.opened_at_ms)


def _may_be_over(infos: Sequence[StretchInfo]) -> bool:
    """Whether the newest stretch with a score may be over any level."""
    newest = next((info for info in reversed(infos) if info.max_score is not None), None)
    return newest is not None and (newest.max_score or 0.0) >= LEAST_ON * OFF_OF_ON


def _of_the_bank(infos: Sequence[StretchInfo], bank: Bank) -> list[StretchInfo]:
    """The stretches whose features were made as the bank's vectors were."""
    fingerprint = stretch_identity(bank.profile, bank.identity, bank.view).fingerprint
    return [info for info in infos if info.identity == fingerprint]
