"""Ownership of one unit of work: an expiring lease with a fencing token, and writes under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.transaction import transact
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import LeaseLapsedError, LeaseLostError

LEASE_S = 5.0


@dataclass(frozen=True)
class Lease:
    """One tenure: the same worker's next one has another value."""

    unit: LeaseKeys
    value: bytes

    def check(self, holder: bytes | None, latest_token: bytes | None) -> None:
        """Compare with the lease and the fencing token that Redis holds.

        A lease that has expired still counts while its fencing token is the latest: nobody has had the unit since, and
        all leases expire at once when the clock of Redis is set ahead.

        Raises `LeaseLostError` when this tenure is over, `LeaseLapsedError` when Redis has forgotten it.
        """
        token = counted(latest_token)
        if holder == self.value or (holder is None and token == self._token):
            return
        if holder is None and token < self._token:
            raise LeaseLapsedError(f"the lease of {self.unit.name} has expired")
        raise LeaseLostError(f"{self.unit.name} belongs to another worker now")

    def is_held(self, holder: bytes | None, latest_token: bytes | None) -> bool:
        """Whether `check` passes."""
        try:
            self.check(holder, latest_token)
        except LeaseLostError:
            return False
        return True

    def guard(self, pipe: redis.client.Pipeline) -> None:
        """Watch the lease in ``pipe``, so that its transaction fails if the lease changes hands. Raises as `check`."""
        pipe.watch(self.unit.lease, self.unit.fence)  # type: ignore[no-untyped-call]
        answer: Any = pipe.mget(self.unit.lease, self.unit.fence)
        self.check(*answer)

    async def guard_async(self, pipe: Any) -> None:
        """As `guard`, with the pipeline of an asyncio client."""
        await pipe.watch(self.unit.lease, self.unit.fence)
        self.check(*await pipe.mget(self.unit.lease, self.unit.fence))

    @property
    def _token(self) -> int:
        return counted(self.value.rpartition(b":")[2])

    def write(
        self, client: redis.Redis, queue: Callable[[Any], object], only_if: Callable[[Any], bool] = lambda _: True
    ) -> None:
        """Execute what ``queue`` puts into a transaction, if the lease still holds then: all of it or nothing.

        ``only_if`` may watch and read other keys first. Raises as `check`, and as `transact`.
        """

        def attempt(pipe: Any) -> None:
            if only_if(pipe):
                self.guard(pipe)
                pipe.multi()
                queue(pipe)

        transact(client, attempt, subject=f"the lease of {self.unit.name}")
