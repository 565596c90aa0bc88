"""Receivers of alerts, webhooks and channels: their configuration, their beginning, and tests of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, Self, TypeVar

from redis.asyncio import Redis

from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.bus.keys import ChannelKeys, WebhookKeys
from patchwatch.bus.stored_records import readable, readable_by_id, required
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError, OverloadedError, RetryableError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.webhook import Progress, TrialResult
from service.store.alerts.alert_position import AlertPosition, end_of_alerts
from service.store.alerts.alerts import AlertStore

_MAX_TRIALS = 8
_MOST_BEGUN_BEFORE = 10_000  # ids that are kept over changes of a receiver
_TRIES = 20  # a change is tried again when another one interferes


class Receiver(Protocol):
    """The configuration of one receiver: a pydantic model."""

    @property
    def id(self) -> str: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def begun_before(self) -> frozenset[str] | None: ...

    def sends_opening_of(self, alert: Alert) -> bool: ...

    def encode(self) -> bytes: ...

    @classmethod
    def decode(cls, data: bytes | str) -> Self: ...

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...

    def model_dump(self) -> dict[str, Any]: ...

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self: ...


R = TypeVar("R", bound=Receiver)
P = TypeVar("P", bound=Progress)
T = TypeVar("T")


class ReceiverStore(Generic[R, P]):
    """Reads and changes the hash of one sort of receivers. Raises `BusUnavailableError` when Redis is away."""

    noun: str
    most: int
    configured_in: str
    revision: str
    starts_alerts: frozenset[str]  # fields after whose change other alerts are sent
    switched_on: Mapping[str, object]  # what else changes when a receiver is switched on
    begins_again: Mapping[str, object]  # and in its progress
    record: type[R]
    progress: type[P]

    def __init__(self, bus: Redis, alerts: AlertStore, *, hidden: bool = False) -> None:
        """``hidden``: it lists none, for a caller who sees only some cameras: receivers belong to the whole site."""
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._alerts = alerts
        self._trials = 0  # tests that wait for their answer
        self._hidden = hidden

    def limited(self) -> Self:
        """A store that lists none."""
        return type(self)(self._bus, self._alerts, hidden=True)

    def names(self, receiver_id: str) -> WebhookKeys | ChannelKeys:
        """Its keys."""
        raise NotImplementedError

    async def all(self) -> list[R]:
        """All of them, by id. One that cannot be read is left out, as the delivery worker leaves it out."""
        if self._hidden:
            return []
        with translated():
            stored = await self._bus.hgetall(self.configured_in)
        return list(readable_by_id(self.record.decode, stored, self.noun).values())

    async def get(self, receiver_id: str) -> R:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.hget(self.configured_in, receiver_id)
        if data is None:
            raise self._unknown(receiver_id)
        return required(self.record.decode, data, f"{self.noun} {receiver_id!r}")

    async def create(self, receiver: R) -> None:
        """Add a receiver, which gets alerts that begin from now on. Raises `ConflictError` when the id is taken."""
        end = await end_of_alerts(self._bus, self._alerts)
        start = self.progress(position=end.last_id, passed=end.passed)
        receiver = _since(receiver, None, end)
        names = self.names(receiver.id)

        async def attempt(pipe: Any) -> None:
            if await pipe.hexists(self.configured_in, receiver.id):
                raise ConflictError(
                    f"{self.noun} {receiver.id!r} exists already: change it with `patchwatch {self.noun}s update "
                    f"{receiver.id}` or PATCH /api/v1/{self.noun}s/{receiver.id}, or choose another id"
                )
            if await pipe.hlen(self.configured_in) >= self.most:
                raise ConflictError(f"remove a {self.noun} first: there are {self.most}, and no more are possible")
            pipe.multi()
            pipe.delete(*names.all)
            pipe.set(names.progress, start.encode())
            self._put(pipe, receiver)

        await self._transaction(attempt)

    async def change(self, receiver_id: str, changes: Mapping[str, object]) -> R:
        """Apply changed fields. A receiver that is switched on, or whose filters let more through, gets alerts that
        begin from that moment on.

        Raises `NotFoundError` or pydantic's `ValidationError`.
        """
        end = await end_of_alerts(self._bus, self._alerts) if changes.keys() & self.starts_alerts else AlertPosition()
        progress_key = self.names(receiver_id).progress

        async def attempt(pipe: Any) -> R:
            data = await pipe.hget(self.configured_in, receiver_id)
            if data is None:
                raise self._unknown(receiver_id)
            before = required(self.record.decode, data, f"{self.noun} {receiver_id!r}")
            after = _since(self.record.model_validate({**before.model_dump(), **changes}), before, end)
            progress = None
            if after.enabled and not before.enabled:
                after = after.model_copy(update={**self.switched_on, "incarnation": uuid.uuid4().hex})
                progress = self._progress(receiver_id, await pipe.get(progress_key)).moved(
                    position=end.last_id, passed=end.passed, **self.begins_again
                )
            pipe.multi()
            if progress is not None:
                pipe.set(progress_key, progress.encode())
            self._put(pipe, after)
            return after

        return await self._transaction(attempt, progress_key)

    async def delete(self, receiver_id: str) -> None:
        """Delete a receiver with all that is kept of it. Raises `NotFoundError`."""

        async def attempt(pipe: Any) -> None:
            if not await pipe.hexists(self.configured_in, receiver_id):
                raise self._unknown(receiver_id)
            pipe.multi()
            pipe.hdel(self.configured_in, receiver_id)
            pipe.incr(self.revision)
            pipe.delete(*self.names(receiver_id).all)

        await self._transaction(attempt)

    async def trial(self, receiver_id: str, timeout_s: float) -> TrialResult:
        """Order a test from the delivery worker, and wait for its result.

        Raises `RetryableError` when none comes in time, and `OverloadedError` while too many tests are waiting: each
        holds a connection to Redis.
        """
        if self._trials >= _MAX_TRIALS:
            raise OverloadedError(f"{self._trials} tests of {self.noun}s are being sent already: try again in a moment")
        self._trials += 1
        try:
            return await self._trial(receiver_id, timeout_s)
        finally:
            self._trials -= 1

    async def _trial(self, receiver_id: str, timeout_s: float) -> TrialResult:
        names, token = self.names(receiver_id), uuid.uuid4().hex
        deadline_s = time.monotonic() + timeout_s
        with translated():
            order_id = await self._bus.xadd(names.asked, {b"t": token})
            while time.monotonic() < deadline_s:
                answer = await self._bus.blpop([names.answer(token)], timeout=BLOCK_MS / 1000)
                if answer is not None:
                    what = f"the result of the test of {self.noun} {receiver_id!r}"
                    return required(TrialResult.decode, answer[1], what)
            await self._bus.xdel(names.asked, order_id)
        raise RetryableError(
            f"the test was not sent: no delivery worker took it within {timeout_s:.0f} s: is `patchwatch run delivery` "
            "running?"
        )

    async def _transaction(self, attempt: Callable[[Any], Awaitable[T]], *watched: str) -> T:
        with translated():
            return await transact_async(
                self._bus, attempt, self.configured_in, *watched, subject=f"the {self.noun}s", tries=_TRIES
            )

    def _progress(self, receiver_id: str, data: bytes | None) -> P:
        return readable(self.progress.decode, data, f"the progress of {self.noun} {receiver_id!r}") or self.progress()

    def _put(self, pipe: Any, receiver: R) -> None:
        pipe.hset(self.configured_in, receiver.id, receiver.encode())
        pipe.incr(self.revision)

    def _unknown(self, receiver_id: str) -> NotFoundError:
        return NotFoundError(
            f"there is no {self.noun} {receiver_id!r}: see `patchwatch {self.noun}s list` or GET /api/v1/{self.noun}s"
        )


def _since(after: R, before: R | None, end: AlertPosition) -> R:
    """With the alerts whose opening it does not get: those that are open, unless it got theirs as it was before."""
    missed = frozenset(alert.id for alert in end.open if before is None or not before.sends_opening_of(alert))
    earlier = (before.begun_before if before is not None else None) or frozenset[str]()
    kept = missed | earlier if len(earlier) <= _MOST_BEGUN_BEFORE else missed  # their ends may still wait to be sent
    return after.model_copy(update={"begun_before": kept or None})
