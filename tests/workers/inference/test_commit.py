"""A commit goes through while our own lease is being renewed, and not once the lease is another's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import redis

from patchwatch import keys
from patchwatch.bus import connect
from patchwatch.errors import LeaseLostError
from patchwatch.keys import CameraKeys
from patchwatch.settings import Settings
from workers.inference.commit import Committer, Outcome
from workers.inference.lease import Leases


class DisturbedLeases(Leases):
    """After each of the first two checks something happens to the lease, before the transaction runs."""

    def __init__(self, url: str, disturb: Any) -> None:
        super().__init__(url, 1)
        self.disturb = disturb
        self.checks = 0

    def guard(self, pipe: redis.client.Pipeline, partition: int) -> None:
        super().guard(pipe, partition)
        self.checks += 1
        if self.checks <= 2:
            self.disturb()


def committed(bus_url: str, disturb: Any) -> bytes | None:
    with connect(bus_url) as client:
        leases = DisturbedLeases(bus_url, lambda: disturb(client))
        leases._round()
        session: Any = SimpleNamespace(
            keys=CameraKeys("door", 0), position=7, worker_state=dict, boxes=[], counters={}, recent=[]
        )
        try:
            Committer(client, leases, Settings()).commit(session, Outcome())
        finally:
            leases.stop()
        return client.hget(session.keys.state, "seq")


def test_renewing_our_own_lease_does_not_cost_the_commit(bus_url: str) -> None:
    assert committed(bus_url, lambda client: client.pexpire(keys.lease(0), 5000)) == b"7"


def test_a_lease_that_went_to_another_refuses_the_commit(bus_url: str) -> None:
    with pytest.raises(LeaseLostError):
        committed(bus_url, lambda client: client.set(keys.lease(0), "another:9", px=5000))
