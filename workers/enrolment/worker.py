"""The enrolment worker: takes its share of the pending enrolments, and works on several at once."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import redis

from models.profiles.profile import load_profiles
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect, translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.enrolment import Enrolment
from workers.enrolment.banks.bank_orders import BankOrderHandler
from workers.enrolment.evidence.evidence import evidence_threads
from workers.enrolment.evidence.recorder import UNIT as EVIDENCE_UNIT
from workers.enrolment.job import Job, JobContext
from workers.enrolment.lasting.watch import LastingWatch
from workers.enrolment.record import EnrolmentRecord, PendingEnrolments
from workers.enrolment.recurrence.watch import RecurrenceWatch
from workers.enrolment.self_arming import SelfArming
from workers.enrolment.upkeep.upkeep import UNIT as UPKEEP_UNIT
from workers.enrolment.upkeep.upkeep import Upkeep
from workers.enrolment.what_if.what_if_orders import WhatIfHandler
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Lease, Leases
from workers.runtime.stop_signals import call_on_stop

_POLL_S = 0.5
_LIVE_AT_ONCE = 64  # they mostly wait for footage
_STOP_WITHIN_S = 8.0
_FENCE_EXPIRES_S = 3600  # nobody takes an enrolment that is over any more

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Running:
    job: Enrolment
    thread: threading.Thread


class EnrolmentWorker:
    """Works on queued enrolments, oldest first. `stop` may be called from any thread and ends running ones too."""

    def __init__(self, settings: Settings) -> None:
        url = settings.shared_redis_url
        self._settings = settings
        self._client: Any = connect(url)
        self._leases = Leases(url, Role.ENROLMENT)
        self._clock = BusClock()
        self._stopping = threading.Event()
        slots = threading.Semaphore(settings.enrolment_processes)
        self._context = JobContext(settings, self._client, slots, self._stopping)
        upkeep = Upkeep(settings, self._client, self._upkeep_tenure, self._clock)
        self._threads = [
            BankOrderHandler(settings, self._client).thread,
            SelfArming(settings, self._client, self._clock).thread,
            WhatIfHandler(settings, self._client).thread,
            RecurrenceWatch(settings, self._client).thread,
            LastingWatch(settings, self._client, UPKEEP_UNIT, self._upkeep_tenure).thread,
            upkeep.thread,
            *evidence_threads(settings, self._client, self._clock, lambda: self._leases.owned.get(EVIDENCE_UNIT)),
        ]
        self._profiles = json.dumps(sorted(load_profiles(settings.profiles_file)))
        self._running: dict[LeaseKeys, _Running] = {}
        self._pending = PendingEnrolments(self._client)
        self._outage = OutageLog("enrolments wait for it")
        self._heartbeat = HeartbeatWriter(Role.ENROLMENT, self._leases.worker, self._clock)

    def _upkeep_tenure(self) -> bytes | None:
        return self._leases.owned.get(UPKEEP_UNIT)

    def stop(self) -> None:
        """Let `run` end. Unfinished jobs start again with the next worker."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`. Survives a lost Redis."""
        self._leases.start()
        for thread in self._threads:
            thread.start()
        try:
            while not self._stopping.wait(_POLL_S):
                try:
                    with translated():
                        self._turn()
                    self._outage.answered()
                except (BusUnavailableError, redis.RedisError) as error:
                    self._outage.failed(error)
        finally:
            self._stopping.set()
            self._end()

    def _end(self) -> None:
        deadline_s = time.monotonic() + _STOP_WITHIN_S
        for running in self._running.values():
            running.thread.join(max(0.1, deadline_s - time.monotonic()))
        for thread in self._threads:
            thread.stop()
        self._leases.stop()
        self._client.close()

    def _turn(self) -> None:
        for thread in self._threads:
            if not thread.alive:
                raise RuntimeError(f"the thread {thread.name!r} has died: see its traceback above")
        self._clock.sync(self._client)
        self._send_heartbeat()
        jobs = {LeaseKeys.for_enrolment(job.id): job for job in self._pending.read()}
        self._forget_ended()
        wanted = dict.fromkeys(jobs, 1) | {UPKEEP_UNIT: 0, EVIDENCE_UNIT: 0}  # which hardly are any work
        self._leases.want(wanted, pinned=frozenset(self._running))
        for unit in self._leases.leaving - self._running.keys():
            self._leases.release(unit)
            if unit not in wanted:
                self._client.expire(unit.fence, _FENCE_EXPIRES_S)
        owned = self._leases.owned
        for unit, job in jobs.items():
            if unit in owned and unit not in self._running:
                self._start(job, Lease(unit, owned[unit]))

    def _forget_ended(self) -> None:
        self._running = {unit: running for unit, running in self._running.items() if running.thread.is_alive()}

    def _start(self, job: Enrolment, lease: Lease) -> None:
        live = job.live_seconds is not None
        if live and sum(running.job.live_seconds is not None for running in self._running.values()) >= _LIVE_AT_ONCE:
            return
        if not live and not self._context.slots.acquire(blocking=False):
            return
        record = EnrolmentRecord(self._client, job, lease, self._clock)
        work = Job(record, self._context, has_slot=not live)
        thread = threading.Thread(target=work.run, name=f"enrolment-{job.id}", daemon=True)
        self._running[lease.unit] = _Running(job, thread)
        thread.start()

    def _send_heartbeat(self) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            self._heartbeat.write(pipe, device=self._settings.device)
            pipe.set(keys.PROFILES, self._profiles)
            pipe.execute()


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    worker = EnrolmentWorker(settings)
    call_on_stop(worker.stop)
    worker.run()
