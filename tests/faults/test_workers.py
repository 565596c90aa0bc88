"""Workers: killed outright, or stopped for a while and going on."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from fault import Fault
from role_process import captures_of, connected_to
from waiting import wait_until

LEASE_OVER_S = 8.0  # longer than any lease


def test_a_killed_inference_worker_is_replaced(site: Any, fault: Fault) -> None:
    fault.strike(site.installation.roles["inference"].replace, limit_s=10.0)


def test_a_killed_ingest_worker_is_replaced(site: Any, fault: Fault) -> None:
    fault.strike(site.installation.roles["ingest"].replace, limit_s=10.0)


def test_while_the_service_is_killed_and_replaced_frames_are_scored(site: Any, fault: Fault) -> None:
    before = site.installation.scores("gate")[-1]["seq"]
    fault.strike(site.installation.roles["service"].replace)
    newer = [one["seq"] for one in site.installation.scores("gate") if one["seq"] > before]
    assert newer == list(range(before + 1, before + 1 + len(newer)))
    assert fault.row.lost == {}


@pytest.mark.parametrize(
    "role",
    ["inference", pytest.param("ingest", marks=pytest.mark.long), pytest.param("service", marks=pytest.mark.long)],
)
def test_a_worker_that_stood_still_for_longer_than_its_lease_goes_on(site: Any, fault: Fault, role: str) -> None:
    process = site.installation.roles[role]

    def stand_still() -> None:
        process.freeze()
        try:
            fault.until_seen("gate")
            fault.until_age(LEASE_OVER_S)
        finally:
            process.thaw()

    fault.strike(stand_still)


def test_a_killed_capture_process_is_started_again(site: Any, fault: Fault) -> None:
    fault.strike(lambda: os.kill(_capture_of_gate(site), signal.SIGKILL), hits=["gate"])


@pytest.mark.long
def test_a_capture_process_that_hangs_is_killed_and_started_again(site: Any, fault: Fault) -> None:
    hung = []

    def hang() -> None:
        hung.append(_capture_of_gate(site))
        os.kill(hung[0], signal.SIGSTOP)
        fault.until_seen("gate")

    fault.strike(hang, hits=["gate"])
    assert hung[0] not in captures_of(site.installation.roles["ingest"].pid)


@pytest.mark.long
def test_an_enrolment_whose_worker_is_killed_is_taken_up_again(site: Any, fault: Fault) -> None:
    job = site.installation.post("/cameras/yard/enrolments", {"sources": [f"file:{site.recording}"]})
    wait_until(lambda: site.installation.get(f"/enrolments/{job['id']}")["state"] == "running")
    killed_s = time.time()
    site.installation.roles["enrolment"].replace()
    assert site.installation.enrolled(job["id"])["state"] == "done"
    site.installation.wait_until_ok("yard")
    fault.enter("the enrolment stays `running`, then is `done`", time.time() - killed_s)


def _capture_of_gate(site: Any) -> int:
    """Gate's capture is the one that is connected through its proxy."""
    captures = captures_of(site.installation.roles["ingest"].pid)
    [found] = [pid for pid in captures if connected_to(pid, site.gate_proxy.port)]
    return found
