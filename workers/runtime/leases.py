"""Ownership of units of work: expiring leases with fencing tokens, writes under them, and their fair share among the
workers of a role."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis

from patchwatch.bus import keys
from patchwatch.bus.connection import connect, translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.outage_log import OutageLog
from patchwatch.bus.writes import transact, write_under
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError
from patchwatch.contract.roles import Role
from workers.runtime.assignment import rebalance
from workers.runtime.worker_id import has_ended, new_worker_id

LEASE_S = 5.0
_LEASE_MS = int(LEASE_S * 1000)
_ROUND_S = 0.5
_READ_AT_ONCE = 250  # units
_TAKE_FOR_S = 1.0  # in one round, so that what was taken is renewed in time: thousands of units take longer


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
        if holder == self.value:
            return
        token, own = counted(latest_token), counted(self.value.rpartition(b":")[2])
        if holder is None and token == own:
            return
        if holder is None and token < own:
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

    def write(
        self, client: redis.Redis, queue: Callable[[Any], object], only_if: Callable[[Any], bool] | None = None
    ) -> None:
        """Execute what ``queue`` puts into a transaction, if the lease still holds then: all of it or nothing.

        ``only_if`` may watch and read other keys first. Raises as `check`, and as `transact`.
        """
        if only_if is None and write_under(client, self.unit.lease, self.value, queue):
            return  # one round trip for each commit; a transaction, which judges why not, takes three

        def attempt(pipe: Any) -> None:
            if only_if is None or only_if(pipe):
                self.guard(pipe)
                pipe.multi()
                queue(pipe)

        transact(client, attempt, subject=f"the lease of {self.unit.name}")


@dataclass(frozen=True)
class _Snapshot:
    """What one round has read from Redis."""

    members: frozenset[str]
    values: dict[LeaseKeys, bytes | None]
    requests: dict[LeaseKeys, str]


class Leases:
    """Takes leases of a fair share of the units that the workers of a role `want`, and says which to give back.

    A thread renews leases, takes new ones, and lists in `leaving` the units that other workers should have; the worker
    finishes its work on these and calls `release`. No lease is ever taken from an owner that renews it, except from a
    process on this machine that has ended. A lease that merely expired is restored, with the same value, if nobody had
    the unit since. All methods may be called from any thread.
    """

    def __init__(self, url: str, role: Role) -> None:
        self.worker = new_worker_id()
        self._client: Any = connect(url)
        self._members = keys.members(role.value)
        self._weights: dict[LeaseKeys, int] = {}
        self._pinned: frozenset[LeaseKeys] = frozenset()
        self._values: dict[LeaseKeys, bytes] = {}
        self._leaving: frozenset[LeaseKeys] = frozenset()
        self._outage = OutageLog("leases are renewed when it is back")
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    def has_others(self) -> bool:
        """Whether other workers of the role are alive. Raises `BusUnavailableError`."""
        with _refusals_translated():
            now_ms = _now_ms(self._client)
            names = self._client.zrangebyscore(self._members, f"({now_ms - _LEASE_MS}", now_ms + _LEASE_MS)
        return any(not has_ended(name) for name in map(_text, names) if name != self.worker)

    def want(self, weights: Mapping[LeaseKeys, int], pinned: frozenset[LeaseKeys] = frozenset()) -> None:
        """Set the units to own, with their weights. ``pinned`` units, owned here, are not moved for balance."""
        changed = dict(weights) != self._weights
        self._weights, self._pinned = dict(weights), pinned
        if changed:
            self._wake.set()

    @property
    def owned(self) -> dict[LeaseKeys, bytes]:
        """The lease of each unit that is ours. It has a new value if another worker had the unit in between.

        Raises `RuntimeError` when the thread has died of a defect: nothing is renewed any more.
        """
        if self.started and not self._thread.is_alive() and not self._stopped:
            raise RuntimeError("the thread that renews the leases has died: see its traceback above")
        return dict(self._values)

    @property
    def leaving(self) -> frozenset[LeaseKeys]:
        """Our units that other workers should have: finish the work on them, then `release`."""
        return self._leaving

    def release(self, unit: LeaseKeys) -> None:
        """Give a unit back. Raises `BusUnavailableError`; the lease then expires by itself."""
        with self._lock, _refusals_translated():
            self._leaving -= {unit}
            value = self._forget(unit)
            if value is not None:
                self._delete_if(unit, value)

    def claim(self, unit: LeaseKeys) -> bytes | None:
        """Ask its owner to hand a unit over to us, and take it once it is free; call until it returns the lease.

        Raises `BusUnavailableError`.
        """
        with self._lock, _refusals_translated():
            self._client.set(unit.request, self.worker, px=_LEASE_MS)
            return self._values.get(unit) or self._take(unit)

    def stop(self) -> None:
        """Give everything back."""
        self._stopped = True
        self._wake.set()
        if self.started:
            self._thread.join(timeout=10)
        with suppress(BusUnavailableError):  # the leases then expire by themselves
            with _refusals_translated():
                self._client.zrem(self._members, self.worker)
            for unit in dict(self._values):
                self.release(unit)
        self._client.close()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            self._round()
            self._wake.wait(_ROUND_S)

    def _round(self) -> None:
        try:
            with self._lock, _refusals_translated():
                snapshot = self._read()
                self._renew(snapshot)
                self._balance(snapshot)
        except BusUnavailableError as error:
            self._outage.failed(error)
        else:
            self._outage.answered()

    def _read(self) -> _Snapshot:
        units = list(self._weights.keys() | self._values.keys())
        now_ms = _now_ms(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zadd(self._members, {self.worker: now_ms})
            pipe.zremrangebyscore(self._members, "-inf", now_ms - _LEASE_MS)
            # After the clock of Redis was set back, members that have ended must not stay listed until that time.
            # Those that are alive enlist again and renew their leases.
            pipe.zremrangebyscore(self._members, now_ms + _LEASE_MS, "+inf")
            pipe.zrange(self._members, 0, -1)
            for some in _batches(units):
                pipe.mget([name for unit in some for name in (unit.lease, unit.request)])
            enlisted, *answers = pipe.execute(raise_on_error=False)
        # A full Redis cannot enlist us, but still lets us renew leases.
        _raise_first(answers if isinstance(enlisted, redis.exceptions.OutOfMemoryError) else (enlisted, *answers))
        names, *parts = answers[2:]
        members = frozenset(_text(name) for name in names)
        found = [value for part in parts for value in part]
        values = dict(zip(units, found[::2], strict=True))
        requests = {unit: _text(asker) for unit, asker in zip(units, found[1::2], strict=True) if asker}
        self._shorten(unit for unit, value in values.items() if value is not None and _owner(value) not in members)
        return _Snapshot(frozenset(name for name in members if not has_ended(name)) | {self.worker}, values, requests)

    def _shorten(self, orphaned: Iterable[LeaseKeys]) -> None:
        """Let leases of no member last as long as any lease at the most: after the clock of Redis was set back, they
        would last until the time that it showed."""
        with self._client.pipeline(transaction=False) as pipe:
            for unit in orphaned:
                pipe.pexpire(unit.lease, _LEASE_MS, lt=True)
            pipe.execute()

    def _renew(self, snapshot: _Snapshot) -> None:
        held = [unit for unit, value in self._values.items() if snapshot.values.get(unit) == value]
        with self._client.pipeline(transaction=False) as pipe:
            for unit in held:
                pipe.pexpire(unit.lease, _LEASE_MS)
            pipe.execute()
        for unit in self._values.keys() - set(held):
            if unit not in snapshot.values:
                continue  # `claim` took it after the snapshot was read
            if snapshot.values[unit] is None and self._restore(unit):
                snapshot.values[unit] = self._values[unit]
            else:
                self._forget(unit)

    def _balance(self, snapshot: _Snapshot) -> None:
        owners = {unit.name: _owner(value) for unit, value in snapshot.values.items() if value is not None}
        ended = {owner for owner in set(owners.values()) if has_ended(owner)}
        owners = {name: owner for name, owner in owners.items() if owner not in ended}
        asked = {unit.name: asker for unit, asker in snapshot.requests.items() if asker in snapshot.members}
        weights = {unit.name: weight for unit, weight in self._weights.items()}
        pinned = {unit.name for unit in self._pinned} | asked.keys()
        shares = rebalance(weights, owners | asked, snapshot.members, pinned)
        self._take_some(
            unit for unit in self._weights if shares.get(unit.name) == self.worker and unit.name not in owners
        )
        self._leaving = frozenset(unit for unit in self._values if shares.get(unit.name) != self.worker)

    def _take_some(self, units: Iterable[LeaseKeys]) -> None:
        """Take units for a while; the rest is for the next round, which begins at once."""
        take_until_s = time.monotonic() + _TAKE_FOR_S
        for unit in units:
            self._take(unit)
            if time.monotonic() > take_until_s:
                self._wake.set()
                break

    def _take(self, unit: LeaseKeys) -> bytes | None:
        """Take a unit under the next fencing token, unless a living worker holds its lease."""

        def attempt(pipe: Any) -> bytes | None:
            holder, token = pipe.mget(unit.lease, unit.fence)
            if holder is not None and not has_ended(_owner(holder)):
                return None
            return self._queue_lease(pipe, unit, counted(token) + 1)

        return self._acquire(unit, attempt)

    def _restore(self, unit: LeaseKeys) -> bytes | None:
        """Set the same lease again, if nobody had the unit since: otherwise the fencing token would have risen."""
        ours = int(self._values[unit].rpartition(b":")[2])

        def attempt(pipe: Any) -> bytes | None:
            holder, token = pipe.mget(unit.lease, unit.fence)
            if holder is not None or counted(token) > ours:
                return None
            return self._queue_lease(pipe, unit, ours)

        return self._acquire(unit, attempt)

    def _queue_lease(self, pipe: Any, unit: LeaseKeys, token: int) -> bytes:
        value = f"{self.worker}:{token}".encode()
        pipe.multi()
        pipe.set(unit.fence, token)
        pipe.set(unit.lease, value, px=_LEASE_MS)
        return value

    def _acquire(self, unit: LeaseKeys, attempt: Callable[[Any], bytes | None]) -> bytes | None:
        value = transact(self._client, attempt, unit.lease, unit.fence, subject=f"the lease of {unit.name}")
        if value is not None:
            self._values = self._values | {unit: value}  # never changed in place: `owned` reads it without the lock
        return value

    def _forget(self, unit: LeaseKeys) -> bytes | None:
        value = self._values.get(unit)
        self._values = {other: kept for other, kept in self._values.items() if other != unit}
        return value

    def _delete_if(self, unit: LeaseKeys, value: bytes) -> None:
        with suppress(LeaseLostError):
            Lease(unit, value).write(self._client, partial(_queue_end, unit))


def _queue_end(unit: LeaseKeys, pipe: Any) -> None:
    """Delete the lease and raise the fencing token, which voids writes of this tenure that are still on their way."""
    pipe.delete(unit.lease)
    pipe.incr(unit.fence)


@contextmanager
def _refusals_translated() -> Iterator[None]:
    try:
        with translated():
            yield
    except redis.ResponseError as error:  # a replica that was not promoted yet, a full disk
        raise BusUnavailableError(f"Redis refuses: {error}") from None


def _batches(units: Sequence[LeaseKeys]) -> Iterator[Sequence[LeaseKeys]]:
    """So few that Redis answers others in between."""
    return (units[start : start + _READ_AT_ONCE] for start in range(0, len(units), _READ_AT_ONCE))


def _now_ms(client: Any) -> int:
    seconds, micros = client.time()
    return int(seconds * 1000 + micros // 1000)


def _raise_first(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _owner(value: bytes) -> str:
    return _text(value).rpartition(":")[0]


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
