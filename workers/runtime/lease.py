"""Ownership of one thing: an expiring lease with a fencing token, and writing under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError

LEASE_S = 5.0
TRIES = 8  # a lease is renewed twice a second, which disturbs a transaction: two in a row are rare


@dataclass(frozen=True)
class Lease:
    """One tenure: the same worker's next one has another value."""

    unit: LeaseKeys
    value: bytes

    def guard(self, pipe: redis.client.Pipeline) -> None:
        """Watch the lease in ``pipe`` and start its transaction: it will fail if the lease changes hands meanwhile.

        A lease that has expired still counts while its fencing token is the latest: nobody has had the unit since, and
        all leases end at once when the clock of Redis is set ahead.

        Raises `LeaseLostError` when this tenure is over, `LeaseLapsedError` when Redis has forgotten it.
        """
        pipe.watch(self.unit.lease, self.unit.fence)  # type: ignore[no-untyped-call]
        found: Any = pipe.mget(self.unit.lease, self.unit.fence)
        holder, token = found
        if holder is None and counted(token) < self._token:
            raise LeaseLapsedError(f"the lease of {self.unit.name} has expired")
        if holder != self.value and (holder is not None or counted(token) != self._token):
            raise LeaseLostError(f"{self.unit.name} belongs to another worker now")
        pipe.multi()

    @property
    def _token(self) -> int:
        return counted(self.value.rpartition(b":")[2])

    def write(
        self, client: redis.Redis, queue: Callable[[Any], object], only_if: Callable[[Any], bool] = lambda _: True
    ) -> None:
        """Execute what ``queue`` puts into a transaction, if the lease still holds then: all of it or nothing.

        ``only_if`` may watch and read more before. Raises as `guard`, and redis-py's errors.
        """
        for _ in range(TRIES):
            with client.pipeline(transaction=True) as pipe:
                try:
                    if only_if(pipe):
                        self.guard(pipe)
                        queue(pipe)
                        pipe.execute()
                    return
                except redis.WatchError:  # nothing was applied, and `guard` tells next time whether it is still ours
                    continue
        raise BusUnavailableError(f"the lease of {self.unit.name} is being changed all the time")
