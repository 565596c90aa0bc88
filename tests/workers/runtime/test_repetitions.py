"""What every worker does several times a second, as long as it lives, leaves nothing behind in its memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.writes import transact
from patchwatch.contract.roles import Role
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Leases

WARM_UP, REPEATED, TRIES = 300, 600, 3
FEW = 100  # blocks, of half a million: a leak of one a repetition would leave six hundred


@pytest.fixture
def client(bus_url: str) -> Iterator[Any]:
    with connect(bus_url) as client:
        yield client


@pytest.fixture
def leases(bus_url: str) -> Iterator[Leases]:
    leases = Leases(bus_url, Role.ENROLMENT)
    leases.want({LeaseKeys.for_enrolment(f"e{number}"): 1 for number in range(4)})
    yield leases
    leases.stop()


def blocks_left_by(operation: Callable[[], object]) -> int:
    """The least of several tries: what other tests left running in this process may leave something too."""
    for _ in range(WARM_UP):
        operation()
    return min(_blocks_left_by(operation) for _ in range(TRIES))


def _blocks_left_by(operation: Callable[[], object]) -> int:
    """Freed tuples that CPython keeps for later, up to 2,000 of each size, are given back by a full collection."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(REPEATED):
        operation()
    gc.collect()
    return sys.getallocatedblocks() - before


def test_rounds_of_leases(leases: Leases) -> None:
    assert blocks_left_by(leases._round) < FEW
    assert len(leases.owned) == 4


def test_heartbeats_and_looks_at_the_clock(client: Any) -> None:
    clock = BusClock()
    heartbeat = HeartbeatWriter(Role.ENROLMENT, "w", clock)

    def beat() -> None:
        clock.sync(client, force=True)
        heartbeat.write(client, device="cpu")

    assert blocks_left_by(beat) < FEW


def test_transactions(client: Any) -> None:
    def attempt(pipe: Any) -> None:
        pipe.mget("a", "b")
        pipe.multi()
        pipe.set("a", "1")

    assert blocks_left_by(lambda: transact(client, attempt, "a")) < FEW
