"""Ownership of one thing: an expiring lease with a fencing token, and writing under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from patchwatch.bus.keys import LeaseKeys
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

        Raises `LeaseLostError` when this tenure is over, `LeaseLapsedError` when it expired and nobody has the unit.
        """
        pipe.watch(self.unit.lease)  # type: ignore[no-untyped-call]
        holder = pipe.get(self.unit.lease)
        if holder is None:
            raise LeaseLapsedError(f"the lease of {self.unit.name} has expired")
        if holder != self.value:
            raise LeaseLostError(f"{self.unit.name} belongs to another worker now")
        pipe.multi()

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
