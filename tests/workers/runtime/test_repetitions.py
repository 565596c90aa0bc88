"""What every worker does several times a second, as long as it lives, leaves nothing behind in its memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
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
ROOT = Path(__file__).parents[3]


def rounds_of_leases(url: str) -> Callable[[], object]:
    leases = Leases(url, Role.ENROLMENT)
    leases.want({LeaseKeys.for_enrolment(f"e{number}"): 1 for number in range(4)})

    def take() -> None:
        leases._round()
        assert len(leases.owned) == 4

    return take


def heartbeats_and_looks_at_the_clock(url: str) -> Callable[[], object]:
    client, clock = connect(url), BusClock()
    heartbeat = HeartbeatWriter(Role.ENROLMENT, "w", clock)

    def beat() -> None:
        clock.sync(client, force=True)
        heartbeat.write(client, device="cpu")

    return beat


def transactions(url: str) -> Callable[[], object]:
    client = connect(url)

    def attempt(pipe: Any) -> None:
        pipe.mget("a", "b")
        pipe.multi()
        pipe.set("a", "1")

    return lambda: transact(client, attempt, "a")


OPERATIONS = {one.__name__: one for one in (rounds_of_leases, heartbeats_and_looks_at_the_clock, transactions)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_left_behind(name: str, bus_url: str) -> None:
    """In a process of its own: what other tests have left running leaves something too."""
    code = f"import sys; sys.path[:0] = {[str(ROOT), str(Path(__file__).parent)]}; import test_repetitions as own; "
    code += f"print(min(own.blocks_left_by(own.OPERATIONS[{name!r}]({bus_url!r}))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert int(done.stdout) < FEW


def blocks_left_by(operation: Callable[[], object]) -> list[int]:
    """In each of some tries. Freed tuples that CPython keeps for later, up to 2,000 of each size, are given back by a
    full collection."""
    for _ in range(WARM_UP):
        operation()
    return [_blocks_left_by(operation) for _ in range(TRIES)]


def _blocks_left_by(operation: Callable[[], object]) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(REPEATED):
        operation()
    gc.collect()
    return sys.getallocatedblocks() - before
