"""Watches for what recurs: compares each alert that closes with what recurs already, and with those of earlier days, at
its hour.

Nothing is kept here but a list of what is still to be compared: after a restart the alerts of the last day are compared
again, which changes nothing, as what was admitted names its alerts. On the day after a recurrence was admitted nothing
of that camera is compared: what recurs as well waits until the day is over.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from models.banks.bank import Bank
from models.banks.bank_file import load_bank
from models.memory.event_footage import EventFootage, stretches_of
from models.memory.recurrence import (
    LONGEST_MS,
    OCCURRENCES,
    Likeness,
    Occurrence,
    Recurrence,
    earlier_at_the_same_hour,
    further_of,
    recurrence_of,
)
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import StretchInfo
from models.memory.stretches.stretch_identity import stretch_identity
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.corrections import change_corrections, decoded
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.contract.errors import ConflictError, ContentionError, NotFoundError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.verdict import AlertVerdicts
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import CameraCorrections
from workers.analysis.alarm_rule import rule_in_force
from workers.analysis.anomaly_kinds import streams_of
from workers.enrolment.polling_thread import PollingThread
from workers.enrolment.recurrence.admission import admitted, in_force, note_of, waits_until_ms, without_outdated
from workers.enrolment.recurrence.alert_log import AlertLog

POLL_S = 10.0
SETTLED_MS = 60_000  # after an alert: by then all that is remembered of it is on disk
_COMPARED_WITHIN_MS = 86_400_000 + LONGEST_MS  # older alerts were compared before
_MOST_WAITING = 16  # of one camera, the newest: one that alerts all day must not hold up the others

log = logging.getLogger(__name__)


class RecurrenceWatch:
    """Its ``thread`` runs beside the jobs. At each poll it compares one alert at most; the cameras take turns."""

    def __init__(self, settings: Settings, client: Any) -> None:
        self._settings = settings
        self._client = client
        self._clock = BusClock()
        self._alerts = AlertLog()
        self._waiting: dict[tuple[str, str], deque[Occurrence]] = {}  # by camera and profile, whose turn it is first
        self.thread = PollingThread("recurrence", self.poll, POLL_S, "what recurs goes on alerting until then")

    def poll(self) -> None:
        """Take in the alerts that have closed, and compare one."""
        self._clock.sync(self._client)
        now_ms = self._clock.now_ms()
        cameras = self._cameras()
        for camera_id, profile, occurrence in self._alerts.read(self._client, now_ms):
            if now_ms - occurrence.ended_ms <= _COMPARED_WITHIN_MS and self._earlier(camera_id, profile, occurrence):
                self._waiting.setdefault((camera_id, profile), deque(maxlen=_MOST_WAITING)).append(occurrence)
        self._keep(cameras.values())
        resting = self._follow_corrections(now_ms)
        while (settled := self._next_settled(now_ms, resting)) is not None:
            camera_id, occurrence = settled
            if self._compare(cameras[camera_id], occurrence, now_ms):
                break

    def _keep(self, cameras: Collection[Camera]) -> None:
        present = {(camera.id, camera.profile) for camera in cameras}
        self._alerts.keep(present)
        self._waiting = {of: waiting for of, waiting in self._waiting.items() if of in present and waiting}

    def _earlier(self, camera_id: str, profile: str, newest: Occurrence) -> list[Occurrence]:
        """With what an alert is compared; nothing where there are too few to recur."""
        earlier = earlier_at_the_same_hour(newest, self._alerts.of(camera_id, profile))
        return earlier if len(earlier) >= OCCURRENCES - 1 else []

    def _next_settled(self, now_ms: int, resting: Collection[str]) -> tuple[str, Occurrence] | None:
        """The oldest of the camera whose turn it is; then it is that of the others. ``resting``: none of these."""
        for of, waiting in self._waiting.items():
            if waiting and of[0] not in resting and now_ms - waiting[0].ended_ms >= SETTLED_MS:
                self._waiting[of] = self._waiting.pop(of)
                return of[0], waiting.popleft()
        return None

    def _cameras(self) -> dict[str, Camera]:
        """Those that learn by themselves."""
        cameras = readable_by_id(Camera.decode, self._client.hgetall(keys.CAMERAS), "camera")
        learns = self._settings.memory_mb > 0
        return {
            camera.id: camera for camera in cameras.values() if learns and camera.self_arms(self._settings.self_arm)
        }

    def _follow_corrections(self, now_ms: int) -> set[str]:
        """Take back what is outdated. Returns the cameras of which nothing may be admitted yet."""
        resting = set()
        for camera_id, data in self._client.hgetall(keys.CORRECTIONS).items():
            stored = readable(CameraCorrections.decode, data, f"the corrections of camera {camera_id!r}")
            if stored is None:
                continue
            if without_outdated(stored, now_ms) != stored:
                with suppress(ContentionError, NotFoundError):
                    change_corrections(self._client, stored.camera_id, partial(without_outdated, now_ms=now_ms))
            if now_ms < waits_until_ms(stored):
                resting.add(stored.camera_id)
        return resting

    def _compare(self, camera: Camera, newest: Occurrence, now_ms: int) -> bool:
        """Whether there was anything to compare an alert with; if it recurs, that is admitted."""
        unquestioned = self._unquestioned([newest, *self._earlier(camera.id, camera.profile, newest)])
        if newest not in unquestioned or len(unquestioned) < OCCURRENCES:
            return False
        try:
            known = in_force(decoded(camera.id, self._client.hget(keys.CORRECTIONS, camera.id)))
            likeness = self._likeness(camera)
            recurrence = further_of(newest, known, likeness.mostly_explained)
            recurrence = recurrence or recurrence_of(newest, unquestioned[1:], likeness.explained)
        except PatchwatchError as error:  # without a bank nothing alerts, and a disk that fails shows elsewhere
            log.debug("%s: alerts are not compared: %s", camera.id, error)
            return True
        if recurrence is not None:
            self._admit(camera, recurrence, now_ms)
        return True

    def _unquestioned(self, occurrences: Sequence[Occurrence]) -> list[Occurrence]:
        """Without those that an operator judged, whatever the judgement: also where that cannot be read any more."""
        names = [keys.alert_verdicts(one.id) for one in occurrences]
        stored = self._client.mget(names)
        return [one for one, name, data in zip(occurrences, names, stored, strict=True) if not _judged(name, data)]

    def _likeness(self, camera: Camera) -> Likeness:
        bank = load_bank(self._settings.bank_path(camera.id, camera.profile))
        memory = _EventMemory(self._settings, camera, bank)
        return Likeness(bank, rule_in_force(bank, camera, self._settings), memory.footage, streams_of(camera.muted))

    def _admit(self, camera: Camera, recurrence: Recurrence, now_ms: int) -> None:
        correction_id = secrets.token_hex(8)
        add = partial(admitted, recurrence=recurrence, correction_id=correction_id, now_ms=now_ms)
        try:
            change_corrections(self._client, camera.id, add)
        except (ConflictError, NotFoundError) as error:
            log.info("%s: %s", camera.id, error)
        except ContentionError:
            log.info("%s: what recurs is compared again with its next alert", camera.id)
        else:
            log.warning(
                "%s: an alert %s; take it back with `patchwatch cameras undo %s %s`, or call one of the alerts an "
                "anomaly", camera.id, note_of(recurrence), camera.id, correction_id,
            )  # fmt: skip


def _judged(name: str, data: bytes | None) -> bool:
    if data is None:
        return False
    verdicts = readable(AlertVerdicts.decode, data, name)
    return verdicts is None or verdicts.current is not None


class _EventMemory:
    """What is remembered of the events of one camera, as far as it was made as the bank's vectors were."""

    def __init__(self, settings: Settings, camera: Camera, bank: Bank) -> None:
        self._store = MemoryStore(settings.memory_path(camera.id, camera.profile), settings.memory_mb)
        fingerprint = stretch_identity(bank.profile, bank.identity, bank.view).fingerprint
        self._infos: list[StretchInfo] = [info for info in self._store.infos() if info.identity == fingerprint]

    def footage(self, one: Occurrence) -> EventFootage | None:
        """None where some of it is missing, or is not to be learnt from whatever recurs."""
        infos = stretches_of(self._infos, one.started_ms, one.ended_ms)
        try:
            stretches = [self._store.read(info.id) for info in infos]
        except PatchwatchError:  # damaged, or let go meanwhile
            return None
        return EventFootage.read(stretches, one.started_ms, one.ended_ms)
