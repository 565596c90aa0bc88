"""Disk: full when a bank or a recording of the live camera is to be written."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fault import Fault

BANK_BYTES = 10_000  # fewer than a bank has


def test_a_bank_does_not_fit_on_the_disk(site: Any, fault: Fault) -> None:
    """The bank before it stays in use."""
    bank = site.installation.status("yard")["analysis"]["bank_id"]
    with _small_files(site):
        failed = site.installation.enrol("yard", site.recording)
    assert failed["state"] == "failed"
    assert site.installation.status("yard")["analysis"]["bank_id"] == bank
    began_s = time.time()
    assert site.installation.enrol("yard", site.recording)["state"] == "done"
    site.installation.wait_until_ok("yard")
    fault.enter(f"the enrolment is `failed`: {failed['detail']}; the bank before stays in use", time.time() - began_s)


@pytest.mark.long
def test_a_recording_of_the_live_camera_does_not_fit_on_the_disk(site: Any, fault: Fault) -> None:
    with _small_files(site):
        job = site.installation.post("/cameras/yard/enrolments", {"live_seconds": 5})
        failed = site.installation.enrolled(job["id"])
    assert failed["state"] == "failed"
    began_s = time.time()
    job = site.installation.post("/cameras/yard/enrolments", {"live_seconds": 5})
    assert site.installation.enrolled(job["id"])["state"] == "done"
    assert site.installation.enrol("yard", site.recording)["state"] == "done"
    site.installation.wait_until_ok("yard")
    fault.enter(f"the enrolment is `failed`: {failed['detail']}", time.time() - began_s)


@contextmanager
def _small_files(site: Any) -> Iterator[None]:
    """The enrolment worker can write no file beyond some bytes: to it, and without privileges, a disk that is full."""
    pid = site.installation.roles["enrolment"].pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (BANK_BYTES, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
