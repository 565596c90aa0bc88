"""Lets cameras arm themselves: watches what is remembered of each, and queues enrolments from memory when they are due.

Nothing is kept here: when a camera learnt last is read from its banks and enrolments, so that restarts and further
workers change nothing.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from models.memory.store import MemoryStore
from models.memory.stretches.stretch import StretchInfo
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.writes import transact
from patchwatch.contract.errors import ContentionError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.arming import MemoryExtent, MemoryStatus
from patchwatch.messages.banks.bank_version import BankVersion
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import OUTDATED, CameraCorrections
from workers.analysis.memory_learner import extent_of, unlike_s
from workers.enrolment.banks.bank_versions import BankVersions
from workers.enrolment.known_records import KnownRecords
from workers.enrolment.polling_thread import PollingThread
from workers.enrolment.schedule import Attempt, decide, step_of

_POLL_S = 1.0
_PUBLISH_ALL_S = 60.0  # restores what Redis may have lost
_KEPT_PER_CAMERA = 10  # records of enrolments that nobody asked for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Watched:
    """One camera: what is remembered of it, and the enrolments of it that are known."""

    camera: Camera
    status: MemoryStatus
    due: bool
    step: int  # of the last bank that it learnt by itself; 0: none
    enrolments: tuple[Enrolment, ...]
    facts: tuple[object, ...] = ()  # that all this follows from


class SelfArming:
    """Its ``thread`` runs beside the jobs. Of all cameras together as many enrolments wait as one worker runs at once,
    so that those with the least behind them come first."""

    def __init__(self, settings: Settings, client: Any, clock: BusClock | None = None) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock or BusClock()
        self._cameras = KnownRecords(Camera.decode)
        self._enrolments = KnownRecords(Enrolment.decode)
        self._corrections = KnownRecords(CameraCorrections.decode)
        self._memories: dict[tuple[str, str], _Memory] = {}
        self._watched: dict[str, _Watched] = {}
        self._published: dict[str, MemoryStatus] = {}
        self._published_all_s = time.monotonic()
        self.thread = PollingThread("self-arming", self.poll, _POLL_S, "cameras do not arm themselves until then")

    def poll(self) -> None:
        """Publish what is remembered of each camera, and queue the enrolments that are due."""
        self._clock.sync(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.CAMERAS).hgetall(keys.ENROLMENT_RECORDS).hgetall(keys.CORRECTIONS).hkeys(keys.MEMORIES)
            stored = pipe.execute()
        cameras, enrolments = self._cameras.read(stored[0]), self._enrolments.read(stored[1])
        said = {one.camera_id: one for one in self._corrections.read(stored[2])}
        own: dict[str, list[Enrolment]] = defaultdict(list)
        for record in enrolments:
            own[record.camera_id].append(record)
        watched = [self._watch(camera, tuple(own.get(camera.id, ())), said.get(camera.id)) for camera in cameras]
        self._watched = {one.camera.id: one for one in watched}
        self._publish([one.status for one in watched], {name.decode(errors="replace") for name in stored[3]})
        waiting = sum(record.by_itself and record.state is EnrolmentState.QUEUED for record in enrolments)
        room = max(0, self._settings.enrolment_processes - waiting)
        for one in sorted((one for one in watched if one.due), key=lambda one: (one.step, one.camera.id))[:room]:
            self._queue(one)
        gone = self._memories.keys() - {(one.camera.id, one.camera.profile) for one in watched}
        for key in gone:
            del self._memories[key]

    def _watch(self, camera: Camera, own: tuple[Enrolment, ...], said: CameraCorrections | None) -> _Watched:
        """``own``: the enrolments of the camera. What was found last is right as long as nothing else is there."""
        memory = self._memories.get((camera.id, camera.profile))
        if memory is None:
            memory = self._memories[camera.id, camera.profile] = _Memory(self._settings, camera)
        facts = camera, memory.refresh(), own, said
        known = self._watched.get(camera.id)
        return known if known is not None and known.facts == facts else self._judged(memory, camera, own, said, facts)

    def _judged(
        self, memory: _Memory, camera: Camera, own: tuple[Enrolment, ...], said: CameraCorrections | None,
        facts: tuple[object, ...],
    ) -> _Watched:  # fmt: skip
        extent, versions = memory.extent, memory.versions
        last = last_attempt([record for record in own if record.profile == camera.profile], versions)
        first_bank_s = self._settings.self_arm_after_s
        unlike = memory.unlike_s(last.extent.until_ms) if last else 0.0
        changed = said is not None and changed_since(said, own)
        decision = decide(extent, last, first_bank_s, unlike, changed=changed)
        arms = camera.self_arms(self._settings.self_arm) and self._settings.memory_mb > 0
        status = MemoryStatus(
            camera_id=camera.id, profile=camera.profile, extent=extent, first_bank_s=first_bank_s,
            chosen=memory.chosen_id(), next_step=decision.next_step if arms else "",
        )  # fmt: skip
        busy = any(record.state.pending for record in own)
        step = step_of(last.extent, first_bank_s) if last and last.succeeded else 0
        return _Watched(camera, status, arms and decision.due and not busy, step, own, facts)

    def _publish(self, statuses: Sequence[MemoryStatus], known: set[str]) -> None:
        """``known``: cameras of which something is published already."""
        if time.monotonic() - self._published_all_s > _PUBLISH_ALL_S:
            self._published, self._published_all_s = {}, time.monotonic()
        for status in statuses:
            published = self._published.get(status.camera_id)
            if published is not status and published != status:
                stamped = status.model_copy(update={"updated_at_ms": self._clock.now_ms()})
                self._client.hset(keys.MEMORIES, status.camera_id, stamped.encode())
            self._published[status.camera_id] = status
        for camera_id in (known | self._published.keys()) - {status.camera_id for status in statuses}:
            self._client.hdel(keys.MEMORIES, camera_id)
            self._published.pop(camera_id, None)

    def _queue(self, one: _Watched) -> None:
        """Queue the enrolment, unless an enrolment of the camera began or ended since it was looked at."""
        job = self._enrolment(one)

        def attempt(pipe: Any) -> bool:
            records = KnownRecords(Enrolment.decode).read(pipe.hgetall(keys.ENROLMENT_RECORDS))
            own = [record for record in records if record.camera_id == job.camera_id]
            unchanged = _states(own) == _states(one.enrolments) and pipe.hexists(keys.CAMERAS, job.camera_id)
            pipe.multi()
            if unchanged:
                _add(pipe, job, own)
            return bool(unchanged)

        with suppress(ContentionError):  # it is tried again in a moment
            if transact(self._client, attempt, keys.ENROLMENT_RECORDS, keys.CAMERAS, subject="the enrolments"):
                seconds = one.status.extent.seconds
                log.info("%s learns by itself from %.0f s of memory (enrolment %s)", job.camera_id, seconds, job.id)

    def _enrolment(self, one: _Watched) -> Enrolment:
        camera, now_ms = one.camera, self._clock.now_ms()
        return Enrolment(
            id=secrets.token_hex(8), camera_id=camera.id, profile=camera.profile, from_memory=True, by_itself=True,
            memory=one.status.extent, analysis_fps=camera.analysis_fps,
            false_alarms_per_day=camera.false_alarms_per_day, created_at_ms=now_ms, updated_at_ms=now_ms,
        )  # fmt: skip


class _Memory:
    """What is remembered of one camera, and its banks; read from disk again only when something has changed there."""

    def __init__(self, settings: Settings, camera: Camera) -> None:
        self._folder = settings.memory_path(camera.id, camera.profile)
        self._store = MemoryStore(self._folder, settings.memory_mb)
        self._banks = BankVersions.from_settings(settings, camera.id, camera.profile)
        self._infos: list[StretchInfo] = []
        self._seen_ns = -1
        self._signature: tuple[int, ...] = ()
        self.extent = MemoryExtent()
        self.versions: list[BankVersion] = []
        self.active_id: str | None = None

    def refresh(self) -> tuple[object, ...]:
        """Follow the disk. What it returns differs whenever anything of it has changed."""
        self._refresh_extent()
        signature = self._banks.signature
        if signature != self._signature:
            with suppress(PatchwatchError):  # a disk that cannot be read has no banks
                self.versions, self.active_id = self._banks.all(), self._banks.active_id
                self._signature = signature
        return self._seen_ns, self._signature

    def _refresh_extent(self) -> None:
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except OSError:
            self._infos, self._seen_ns, self.extent = [], -1, MemoryExtent()
            return
        if changed_ns != self._seen_ns:
            self._infos = self._store.infos()
            self.extent = extent_of(self._infos)
            self._seen_ns = changed_ns  # from before the reading, so a change during it is noticed next time

    def unlike_s(self, since_ms: int) -> float:
        return unlike_s(self._infos, since_ms)

    def chosen_id(self) -> str | None:
        """The active one, where an operator activated it."""
        return next((version.id for version in self.versions if version.chosen and version.id == self.active_id), None)


def changed_since(said: CameraCorrections, enrolments: Sequence[Enrolment]) -> bool:
    """Whether a lasting change was admitted or taken back since a bank from memory was last asked for. ``enrolments``:
    of the camera. All times are those of Redis."""
    asked_ms = max((record.created_at_ms for record in enrolments if record.from_memory), default=0)
    changes = (max(one.at_ms, one.undone_at_ms or 0) for one in said.lasting() if one.undone_by != OUTDATED)
    return max(changes, default=0) > asked_ms


def last_attempt(enrolments: Sequence[Enrolment], versions: Sequence[BankVersion]) -> Attempt | None:
    """The last time that a camera learnt from its memory, by the footage of the attempt."""
    attempts = [Attempt(version.origin.memory) for version in versions if version.origin.memory is not None]
    attempts += [
        Attempt(record.memory, succeeded=record.state is not EnrolmentState.FAILED)
        for record in enrolments
        if record.memory is not None and not record.state.pending
    ]
    return max(attempts, key=lambda attempt: (attempt.extent.until_ms, attempt.succeeded), default=None)


def _add(pipe: Any, job: Enrolment, own: Sequence[Enrolment]) -> None:
    """Queue the job, and forget the oldest of those that nobody asked for. One of an operator that failed stays the
    latest, so that its reason is seen."""
    pipe.hset(keys.ENROLMENT_RECORDS, job.id, job.encode())
    pipe.sadd(keys.ENROLMENTS_PENDING, job.id)
    asked = [record for record in own if not record.by_itself]
    newest = max(asked, key=lambda record: record.created_at_ms, default=None)
    if newest is None or newest.state is not EnrolmentState.FAILED:
        pipe.hset(keys.ENROLMENTS_LATEST, job.camera_id, job.id)
    by_itself = sorted((record for record in own if record.by_itself), key=lambda record: record.created_at_ms)
    outdated = [record.id for record in by_itself[: max(0, len(by_itself) - _KEPT_PER_CAMERA + 1)]]
    if outdated:
        pipe.hdel(keys.ENROLMENT_RECORDS, *outdated)


def _states(enrolments: Sequence[Enrolment]) -> set[tuple[str, EnrolmentState]]:
    return {(record.id, record.state) for record in enrolments}
