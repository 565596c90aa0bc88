"""Takes enrolment jobs one at a time and learns their banks. A job lost to a crash is taken up again later."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from models.bank import Bank
from models.bankfile import save_bank
from patchwatch import keys
from patchwatch.bus import connect, translated
from patchwatch.errors import (
    BusUnavailableError,
    ConfigurationError,
    InvalidMessageError,
    PatchwatchError,
    RejectedError,
)
from patchwatch.keys import CameraKeys
from patchwatch.messages.source import Source
from patchwatch.messages.status import Enrolment, EnrolmentState, WorkerBeat
from patchwatch.redaction import redact
from patchwatch.settings import Settings
from workers.enrolment.live import live_clip
from workers.enrolment.report import report_of
from workers.offline import Clip, Reader, learn, load_engine, recorded_clips
from workers.thresholds import told

_LOOK_EVERY_S = 1.0
_BEAT_EXPIRES_S = 10
_REPORT_EVERY_S = 0.5
_RECORDING_SHARE = 0.5  # of a live enrolment's progress
_CLAIM_EXPIRES_S = 30  # renewed while a job runs; a job whose claim expired is taken up again

log = logging.getLogger(__name__)


class EnrolmentWorker:
    """Works on queued enrolments, oldest first. `stop` may be called from any thread and ends a running job too."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis_url is None:
            raise ConfigurationError("PATCHWATCH_REDIS_URL is not set: start everything with `patchwatch serve`")
        self._settings = settings
        self._client: Any = connect(settings.redis_url.get_secret_value())
        self._stopping = threading.Event()
        self._id = uuid.uuid4().hex[:12]
        self._started_ms = _now_ms()
        self._reported_s = 0.0

    def stop(self) -> None:
        """Leave the job in hand to the next start, and return from `run`."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`. Survives a lost Redis."""
        try:
            while not self._stopping.is_set():
                try:
                    with translated():
                        self._turn()
                except BusUnavailableError as error:
                    log.warning("waiting for Redis: %s", error)
                except _StoppedError:
                    return
                self._stopping.wait(_LOOK_EVERY_S)
        finally:
            self._client.close()

    def _turn(self) -> None:
        self._beat()
        for job in sorted(self._unfinished(), key=lambda job: job.created_at_ms):
            if self._claim(job):
                self._work(job)
                return  # look again: meanwhile others may have worked on the rest

    def _unfinished(self) -> list[Enrolment]:
        jobs = []
        for job_id, record in self._client.hgetall(keys.ENROLMENT_RECORDS).items():
            try:
                job = Enrolment.decode(record)
            except InvalidMessageError as error:
                log.error("enrolment %r is unreadable: %s", job_id, error)
            else:
                if job.id.encode() == job_id:  # what it is saved as would be another record, and this one stay undone
                    jobs.append(job)
        return [job for job in jobs if job.state in (EnrolmentState.QUEUED, EnrolmentState.RUNNING)]

    def _claim(self, job: Enrolment) -> bool:
        return bool(self._client.set(keys.enrolment_claim(job.id), self._id, nx=True, ex=_CLAIM_EXPIRES_S))

    def _work(self, job: Enrolment) -> None:
        log.info("enrolling %s with profile %s from %d sources", job.camera_id, job.profile, len(job.sources))
        try:
            bank = self._learn(job)
        except (BusUnavailableError, _StoppedError):
            raise
        except PatchwatchError as error:
            log.warning("enrolment %s of %s failed: %s", job.id, job.camera_id, error)
            self._save(job, state=EnrolmentState.FAILED, detail=redact(str(error)))
        except redis.RedisError:
            raise  # not the job's fault: it is taken up again
        except Exception as error:  # border: a job that fails by a defect must not be taken up for ever
            log.exception("enrolment %s of %s failed", job.id, job.camera_id)
            self._save(job, state=EnrolmentState.FAILED, detail=f"a defect ({type(error).__name__}): see the log")
        else:
            report = report_of(bank, job.camera_id)
            log.info("enrolment %s of %s done: bank %s, %s", job.id, job.camera_id, bank.id, report.verdict)
            threshold = told(bank.threshold.at(bank.false_alarms_per_day))
            found = {"bank_id": bank.id, "report": report, "threshold": threshold}
            self._save(job, state=EnrolmentState.DONE, progress=1.0, detail="", **found)
        finally:
            self._client.delete(keys.enrolment_claim(job.id))

    def _learn(self, job: Enrolment) -> Bank:
        recorded = 0.0 if job.live_seconds is None else _RECORDING_SHARE

        def report(done: float, what: str) -> None:
            self._report(job, recorded + (1 - recorded) * done, what)

        self._save(job, state=EnrolmentState.RUNNING, detail="starting")
        clips = self._clips(job)
        engine = load_engine(self._settings, job.profile)
        bank = learn(
            engine,
            clips,
            count=max(1, len(job.sources)),
            false_alarms_per_day=job.false_alarms_per_day or self._settings.false_alarms_per_day,
            thumbnails_mb=self._settings.bank_thumbnails_mb,
            progress=report,
        )
        save_bank(bank, self._settings.bank_path(job.camera_id, job.profile))
        return bank

    def _clips(self, job: Enrolment) -> Iterator[Clip]:
        if job.live_seconds is not None:
            of = CameraKeys.of(job.camera_id, self._settings.partitions)
            whole_s = job.live_seconds

            def recording(length_s: float) -> None:
                share = _RECORDING_SHARE * min(1.0, length_s / whole_s)
                self._report(job, share, f"recording the live camera: {length_s:.0f} of {whole_s:.0f} s")

            return iter([live_clip(self._client, of, whole_s, self._settings.batch_frames, recording)])
        folders = self._settings.allowed_media_dirs
        sources: list[str | Path] = [Source.parse(text).within(folders) for text in job.sources]
        if folder := next((one for one in sources if isinstance(one, Path) and one.is_dir()), None):
            raise RejectedError(f"{folder} is a folder: name a video, a folder of pictures does not say its rate")
        return recorded_clips(sources, Reader.of(self._settings, job.analysis_fps))

    def _stay(self, job: Enrolment) -> None:
        """Keep the claim, or give up when told to stop."""
        if self._stopping.is_set():
            raise _StoppedError
        self._client.expire(keys.enrolment_claim(job.id), _CLAIM_EXPIRES_S)
        self._beat()

    def _report(self, job: Enrolment, done: float, what: str) -> None:
        if time.monotonic() - self._reported_s < _REPORT_EVERY_S and not self._stopping.is_set():
            return
        self._reported_s = time.monotonic()
        self._stay(job)
        self._save(job, state=EnrolmentState.RUNNING, progress=done, detail=what)

    def _save(self, job: Enrolment, **changes: object) -> None:
        record = job.model_copy(update={**changes, "updated_at_ms": _now_ms()})
        self._client.hset(keys.ENROLMENT_RECORDS, job.id, record.encode())

    def _beat(self) -> None:
        beat = WorkerBeat(
            role="enrolment",
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at_ms=self._started_ms,
            updated_at_ms=_now_ms(),
            device=self._settings.device,
        )
        self._client.set(keys.worker("enrolment", self._id), beat.encode(), ex=_BEAT_EXPIRES_S)


class _StoppedError(Exception):
    """The worker was told to stop in the middle of a job."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    worker = EnrolmentWorker(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()
