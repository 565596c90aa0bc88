"""The enrolment worker reads whatever stands among its jobs: it fails them or leaves them, and takes the next."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from fuzz_tally import Tally
from mutation import Mutator
from stocked_redis import CAMERA

from patchwatch.bus import keys
from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from workers.enrolment import job as job_module
from workers.enrolment.worker import EnrolmentWorker

KIND = "enrolments read by their worker"
UNDONE = (EnrolmentState.QUEUED, EnrolmentState.RUNNING)


def test_jobs_that_are_none_keep_no_other_waiting(tally: Tally, stocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:  # spares a process for each
        raise RejectedError("there is no such file")

    monkeypatch.setattr(job_module, "learn_in_process", refuse)
    stocked.reset()
    client = stocked.client
    client.delete(keys.ENROLMENT_RECORDS)
    for number, mutator in enumerate(tally.mutators(KIND)):
        client.hset(keys.ENROLMENT_RECORDS, f"e{number}", damaged_job(mutator, f"e{number}"))
    client.hset(keys.ENROLMENT_RECORDS, "sound", job("sound", created_at_ms=2_000_000_000_000).encode())
    worker = EnrolmentWorker(stocked.settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    deadline_s = time.monotonic() + 60 + 1.3 * tally.inputs[KIND]
    try:
        while outcome(client.hget(keys.ENROLMENT_RECORDS, "sound")) != "failed":
            assert thread.is_alive()
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
    finally:
        worker.stop()
        thread.join(timeout=120)
    for name, record in client.hgetall(keys.ENROLMENT_RECORDS).items():
        if name != b"sound":
            tally.count(KIND, outcome(record))


def outcome(record: bytes) -> str:
    try:
        result = Enrolment.decode(record)
    except InvalidMessageError:
        return "left out"
    return "left out: it names another" if result.state in UNDONE else result.state.value


def job(name: str, created_at_ms: int = 1_000) -> Enrolment:
    """Of a file that is not there: each one that is taken fails."""
    return Enrolment(
        id=name, camera_id=CAMERA, profile="motion", sources=("file:/nowhere/a.mp4",), analysis_fps=5.0,
        false_alarms_per_day=2.0, created_at_ms=created_at_ms, updated_at_ms=created_at_ms,
    )  # fmt: skip


def damaged_job(mutator: Mutator, name: str) -> bytes:
    return mutator.damaged(job(name).encode())
