"""One enrolment from beginning to end: record the live camera or take recordings, learn the bank, store it."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Semaphore
from typing import IO, Any

import redis

from models.banks.bank_file import load_bank
from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.corrections import decoded
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.bank_version import BankOrigin
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.camera import readable_zones
from patchwatch.messages.cameras.correction import CameraCorrections
from patchwatch.messages.cameras.source import redact
from patchwatch.messages.cameras.zones.zone import Zone
from workers.analysis.bank_report import enrolment_report
from workers.analysis.threshold_message import to_message
from workers.enrolment.banks.bank_store import SOFTWARE, store_bank
from workers.enrolment.banks.bank_versions import BankVersions
from workers.enrolment.learning.live_footage import LiveRecorder, recording_file
from workers.enrolment.learning.process import LearningStoppedError, learn_in_process
from workers.enrolment.learning.protocol import LearningOrder, defect_text
from workers.enrolment.record import EnrolmentRecord, WithdrawnError

_REPORT_EVERY_S = 0.5
_RETRY_S = 0.5
_RECORDING_SHARE = 0.5  # recording is this share of a live enrolment's progress
_ATTEMPTS = 5  # a job that was started so often without an end crashes its worker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobContext:
    """What the jobs of one worker share. ``slots`` limits how many banks are learnt at once."""

    settings: Settings
    client: Any
    slots: Semaphore
    stopping: Event


class Job:
    """Runs in a thread of its own. ``has_slot``: one of the slots is acquired for it already."""

    def __init__(self, record: EnrolmentRecord, context: JobContext, *, has_slot: bool) -> None:
        self._record = record
        self._context = context
        self._has_slot = has_slot
        self._reported_s = float("-inf")

    @property
    def _job(self) -> Enrolment:
        return self._record.job

    def run(self) -> None:
        """Returns once it is done, failed, withdrawn, taken over by another worker, or the worker stops."""
        job = self._job
        try:
            self._begin()
            self._learn_and_store()
        except LearningStoppedError:
            log.info("enrolment %s of %s will start again", job.id, job.camera_id)
            with suppress(BusUnavailableError, LeaseLostError, WithdrawnError):
                self._record.save(attempts=job.attempts)  # an orderly stop does not count as a failed attempt
        except WithdrawnError:
            log.info("enrolment %s of %s was withdrawn", job.id, job.camera_id)
        except LeaseLostError as error:
            log.warning("enrolment %s of %s: %s", job.id, job.camera_id, error)
        except PatchwatchError as error:
            self._fail(redact(str(error)))
        except Exception as error:  # border: a job that fails by a defect must not be retried for ever
            log.exception("enrolment %s of %s failed", job.id, job.camera_id)
            self._fail(defect_text(error))
        finally:
            if self._has_slot:
                self._context.slots.release()

    def _begin(self) -> None:
        job = self._job
        log.info("enrolling %s with profile %s", job.camera_id, job.profile)
        detail = "starting" if job.state is EnrolmentState.QUEUED else "started again after a restart"
        state, attempts = EnrolmentState.RUNNING, job.attempts + 1
        self._save(state=state, attempts=attempts, storing=False, progress=0.0, detail=detail)
        if attempts > _ATTEMPTS:
            raise _too_many_attempts()

    def _learn_and_store(self) -> None:
        job, settings = self._job, self._context.settings
        versions = BankVersions.from_settings(settings, job.camera_id, job.profile)
        with versions.staging() as staged:
            self._learn(staged)
            bank = load_bank(staged)
            self._save(storing=True, detail="storing the bank")
            stored = store_bank(bank, staged, versions, self._origin(), activate=job.activate)
        report = enrolment_report(bank, job.camera_id)
        threshold = bank.threshold.at(self._false_alarms_per_day, provisional=job.by_itself)
        log.info("enrolment %s of %s done: %s", job.id, job.camera_id, stored.summary)
        self._save(
            state=EnrolmentState.DONE, progress=1.0, detail="", bank_id=bank.id, activated=stored.activated,
            outcome=stored.summary, report=report, threshold=to_message(threshold),
        )  # fmt: skip

    @property
    def _false_alarms_per_day(self) -> float:
        return self._job.false_alarms_per_day or self._context.settings.false_alarms_per_day

    def _origin(self) -> BankOrigin:
        job = self._job
        return BankOrigin(
            by="learnt by itself" if job.by_itself else f"enrolment {job.id} of the API", by_itself=job.by_itself,
            enrolment_id=job.id, live_seconds=job.live_seconds, memory=job.memory, software=SOFTWARE,
        )  # fmt: skip

    def _learn(self, staged: Path) -> None:
        job = self._job
        if job.from_memory:
            memory = self._context.settings.memory_path(job.camera_id, job.profile)
            said = self._corrections()
            spans = {"rejected": said.rejected_spans(), "learnt": said.learnt_spans()}
            self._learn_in_process(self._order(staged, memory=memory, **spans), 0.0)
            return
        if job.live_seconds is None:
            self._learn_in_process(self._order(staged, sources=job.sources), 0.0)
            return
        with recording_file(self._context.settings.data_dir / "recordings") as file:
            self._record_camera(file, job.live_seconds)
            order = self._order(staged, live_descriptor=file.fileno(), live_seconds=job.live_seconds)
            self._learn_in_process(order, _RECORDING_SHARE)

    def _order(self, staged: Path, **footage: object) -> LearningOrder:
        job = self._job
        known = {
            "camera_id": job.camera_id, "profile": job.profile, "analysis_fps": job.analysis_fps,
            "false_alarms_per_day": self._false_alarms_per_day, "staged": staged, "zones": self._zones(),
        }  # fmt: skip
        return LearningOrder.model_validate(known | footage)

    def _zones(self) -> tuple[Zone, ...]:
        """The camera's, as they are now. Raises `RejectedError` where they cannot be read: something private may lie in
        one. Waits for Redis."""
        return readable_zones(self._record_in(keys.CAMERAS))

    def _corrections(self) -> CameraCorrections:
        """What is said of the camera's normal, as of now. Waits for Redis."""
        return decoded(self._job.camera_id, self._record_in(keys.CORRECTIONS))

    def _record_in(self, name: str) -> bytes | None:
        """Of the camera, in a hash."""
        while True:
            try:
                with translated():
                    record: bytes | None = self._context.client.hget(name, self._job.camera_id)
            except BusUnavailableError:
                if self._context.stopping.wait(_RETRY_S):
                    raise LearningStoppedError from None
            else:
                return record

    def _record_camera(self, file: IO[bytes], whole_s: float) -> None:
        camera_keys = CameraKeys.for_camera(self._job.camera_id, self._context.settings.partitions)

        def recording(length_s: float) -> None:
            share = _RECORDING_SHARE * min(1.0, length_s / whole_s)
            self._report(share, f"recording the live camera: {length_s:.0f} of {whole_s:.0f} s")

        LiveRecorder(self._context.client, camera_keys, whole_s, self._context.settings.enrolment_timeout_s).record(
            file, recording
        )

    def _learn_in_process(self, order: LearningOrder, done: float) -> None:
        self._wait_for_slot(done)
        learn_in_process(
            order,
            self._context.settings,
            progress=lambda share, what: self._report(done + (1 - done) * share, what),
            stopping=self._context.stopping.is_set,
        )

    def _wait_for_slot(self, done: float) -> None:
        while not self._has_slot:
            self._report(done, "recorded; waits for another bank to be learnt (PATCHWATCH_ENROLMENT_PROCESSES at once)")
            self._has_slot = self._context.slots.acquire(timeout=_REPORT_EVERY_S)

    def _report(self, share: float, what: str) -> None:
        """Write the progress. Without Redis the work goes on, because it needs Redis again only at the end."""
        if self._context.stopping.is_set():
            raise LearningStoppedError
        if time.monotonic() - self._reported_s < _REPORT_EVERY_S:
            return
        self._reported_s = time.monotonic()
        with suppress(BusUnavailableError, LeaseLapsedError):
            self._record.save(state=EnrolmentState.RUNNING, progress=min(1.0, share), detail=what)

    def _save(self, **changes: object) -> None:
        """Write what must not get lost: waits for Redis as long as it takes."""
        while True:
            try:
                self._record.save(**changes)
            except (BusUnavailableError, LeaseLapsedError):
                if self._context.stopping.wait(_RETRY_S):
                    raise LearningStoppedError from None
            else:
                return

    def _fail(self, detail: str) -> None:
        job = self._job
        log.warning("enrolment %s of %s failed: %s", job.id, job.camera_id, detail)
        with suppress(LearningStoppedError, WithdrawnError, LeaseLostError, redis.RedisError):
            self._save(state=EnrolmentState.FAILED, storing=False, detail=detail)


def _too_many_attempts() -> PatchwatchError:
    return PatchwatchError(
        f"it was started {_ATTEMPTS} times and its worker ended each time: see the log of `patchwatch serve` or "
        "`patchwatch run enrolment`, then ask for it again"
    )
