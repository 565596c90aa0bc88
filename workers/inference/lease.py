"""Ownership of partitions: an expiring lease with a fencing token, renewed by a thread of its own."""

from __future__ import annotations

import threading
import uuid

import redis

from patchwatch import keys
from patchwatch.bus import connect, translated
from patchwatch.errors import BusUnavailableError, LeaseLostError
from workers.inference.outage import Outage

LEASE_S = 5.0
_RENEW_EVERY_S = 1.0


class Leases:
    """Takes every free partition and keeps it. `owned` is a snapshot; `guard` makes a transaction depend on ownership.

    Renewing runs beside the scoring, so that a slow network does not cost the lease. Its thread alone changes what is
    owned.
    """

    def __init__(self, url: str, partitions: int) -> None:
        self._client = connect(url)
        self._partitions = partitions
        self._worker = uuid.uuid4().hex
        self._values: dict[int, bytes] = {}
        self._outage = Outage("leases")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)

    def start(self) -> None:
        """Take what is free now (once, before returning), then keep renewing."""
        self._round()
        self._thread.start()

    @property
    def owned(self) -> dict[int, bytes]:
        """The lease of each partition that is ours. One that was lost and came back is another."""
        return dict(self._values)

    def guard(self, pipe: redis.client.Pipeline, partition: int, lease: bytes) -> None:
        """Watch the lease in ``pipe`` and start its transaction: it will fail if the lease changes hands meanwhile.

        Raises `LeaseLostError` when ``lease`` is over, be it that this worker owns the partition again.
        """
        pipe.watch(keys.lease(partition))  # type: ignore[no-untyped-call]
        if pipe.get(keys.lease(partition)) != lease:
            raise LeaseLostError(f"partition {partition} is scored by another worker now")
        pipe.multi()

    def stop(self) -> None:
        """Give all partitions back."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=10)
        for partition, value in list(self._values.items()):
            try:
                with translated():
                    self._delete_if(partition, value)
            except BusUnavailableError:
                break  # they expire by themselves
        self._values.clear()
        self._client.close()

    def _keep(self) -> None:
        while not self._stop.wait(_RENEW_EVERY_S):
            self._round()

    def _round(self) -> None:
        for partition in range(self._partitions):
            try:
                with translated():
                    self._renew_or_take(partition)
            except (BusUnavailableError, redis.ResponseError) as error:  # a replica that was promoted, a full disk
                self._outage.noticed(error)
                return
        self._outage.over()

    def _renew_or_take(self, partition: int) -> None:
        mine = self._values.get(partition)
        if mine is not None:
            if self._client.get(keys.lease(partition)) == mine and self._client.pexpire(
                keys.lease(partition), int(LEASE_S * 1000)
            ):
                return
            self._values.pop(partition, None)
        token = self._client.incr(keys.fence(partition)) if not self._client.exists(keys.lease(partition)) else None
        if token is None:
            return
        value = f"{self._worker}:{token}".encode()
        if self._client.set(keys.lease(partition), value, nx=True, px=int(LEASE_S * 1000)):
            self._values[partition] = value

    def _delete_if(self, partition: int, value: bytes) -> None:
        with self._client.pipeline() as pipe:
            pipe.watch(keys.lease(partition))  # type: ignore[no-untyped-call]
            if pipe.get(keys.lease(partition)) != value:
                return
            pipe.multi()
            pipe.delete(keys.lease(partition))
            try:
                pipe.execute()
            except redis.WatchError:
                return
