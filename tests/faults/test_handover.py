"""Hand-over: two workers of a role share the cameras, and one of them joins, leaves, or fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fault import Fault
from ingest_rig import free_port
from waiting import wait_until

LEASE_OVER_S = 8.0
pairs = pytest.mark.parametrize("pair", ["inference", pytest.param("ingest", marks=pytest.mark.long)], indirect=True)


@pytest.fixture
def pair(site: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The role of which two workers run, each with cameras of its own."""
    role = request.param
    site.installation.add(role, f"{role}-2", rtsp_port=free_port())
    try:
        wait_until(lambda: [one["cameras"] > 0 for one in site.installation.workers(role)] == [True, True])
        site.installation.wait_until_ok("gate", "yard", "hall")
        yield role
    finally:
        site.installation.remove(f"{role}-2")
        if not site.installation.roles[role].running:
            site.installation.roles[role].start()
        site.installation.wait_until_ok("gate", "yard", "hall")


@pytest.mark.long
@pytest.mark.parametrize("role", ["inference", "ingest"])
def test_cameras_move_to_a_worker_that_joins_and_back_when_it_leaves(site: Any, fault: Fault, role: str) -> None:
    """What a migration of slots is to a cluster: partitions and captures change their owner while frames come."""
    second = f"{role}-2"

    def join_and_leave() -> None:
        site.installation.add(role, second, rtsp_port=free_port())
        wait_until(lambda: [one["cameras"] > 0 for one in site.installation.workers(role)] == [True, True])
        site.installation.remove(second)

    try:
        fault.strike(join_and_leave)
    finally:
        if second in site.installation.roles:
            site.installation.remove(second)
    for name in ("gate", "yard", "hall"):
        numbers = [one["seq"] for one in site.installation.scores(name)]
        assert len(numbers) == len(set(numbers)), f"frames of {name} were scored twice"


@pairs
def test_the_cameras_of_a_killed_worker_go_to_another(site: Any, fault: Fault, pair: str) -> None:
    fault.strike(site.installation.roles[pair].kill)
    wait_until(lambda: [one["cameras"] for one in site.installation.workers(pair)] == [3])


@pytest.mark.long
@pairs
def test_a_worker_that_stood_still_finds_its_cameras_with_another(site: Any, fault: Fault, pair: str) -> None:
    process = site.installation.roles[pair]

    def stand_still() -> None:
        process.freeze()
        try:
            fault.until_age(LEASE_OVER_S)
        finally:
            process.thaw()

    fault.strike(stand_still)
    for name in ("gate", "yard", "hall"):
        numbers = [one["seq"] for one in site.installation.scores(name)]
        assert len(numbers) == len(set(numbers)), f"frames of {name} were scored twice"
