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

    def guard(self, pipe: redis.client.Pipeline, partition: int, lease: bytes) -> None:
        super().guard(pipe, partition, lease)
        self.checks += 1
        if self.checks <= 2:
            self.disturb()


def committed(bus_url: str, disturb: Any, before: Any = None) -> bytes | None:
    with connect(bus_url) as client:
        leases = DisturbedLeases(bus_url, lambda: disturb(client))
        leases._round()
        session: Any = SimpleNamespace(
            keys=CameraKeys("door", 0), lease=leases.owned[0],
            position=7, worker_state=dict, boxes=[], counters={}, recent=[],
        )  # fmt: skip
        if before:
            before(client, leases)
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


def test_a_session_of_before_the_lease_went_to_another_and_back_refuses_the_commit(bus_url: str) -> None:
    """A worker that stood still for a while: what it remembers of the camera is older than what Redis holds."""

    def away_and_back(client: Any, leases: Leases) -> None:
        client.set(keys.lease(0), "another:9", px=5000)
        leases._round()
        client.delete(keys.lease(0))
        leases._round()
        assert 0 in leases.owned

    with pytest.raises(LeaseLostError):
        committed(bus_url, lambda client: None, before=away_and_back)


def test_a_refusal_of_redis_does_not_end_the_renewing(bus_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = Leases(bus_url, 1)

    def refuses(partition: int) -> None:
        raise redis.ReadOnlyError("READONLY You can't write against a read only replica.")

    with monkeypatch.context() as patched:
        patched.setattr(leases, "_renew_or_take", refuses)
        leases._round()
    leases._round()
    assert 0 in leases.owned
    leases.stop()
