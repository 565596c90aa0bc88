"""A receiver's place in the stream of alerts, and what is written about it: single transactions, under a lease.

Receivers are webhooks and channels: each has a record in a configuration hash, a progress, and requests of operators.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.link_secret import link_secret_async
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import Entry, StreamInfo, entry_order
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError, LeaseLostError
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, TrialResult
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.runtime.leases import Lease

_ANSWER_KEPT_S = 60

log = logging.getLogger("patchwatch.delivery")


class Receiver(Protocol):
    """The configuration of one receiver."""

    @property
    def id(self) -> str: ...

    @property
    def incarnation(self) -> str: ...

    @classmethod
    def decode(cls, data: bytes | str) -> Self: ...


class ReceiverKeys(Protocol):
    """Its keys."""

    @property
    def progress(self) -> str: ...

    @property
    def asked(self) -> str: ...

    def answer(self, token: str) -> str: ...


R = TypeVar("R", bound=Receiver)
P = TypeVar("P", bound=Progress)
T = TypeVar("T")


@dataclass(frozen=True)
class OperatorRequest:
    """What an operator asked for: to send a dead letter again, or, with a ``token``, to send a test."""

    id: bytes
    dead_letter: DeadLetter | None
    token: str = ""


class ReceiverOutbox(Generic[R, P]):
    """What is alike for all receivers.

    Every write raises `LeaseLostError` once the lease, or this incarnation of the receiver, is over (`LeaseLapsedError`
    while it may come back), and `BusUnavailableError`; after that only Redis knows whether it was applied, so read
    `progress` again.
    """

    noun: str  # of a receiver, in the log
    configured_in: str  # the hash of their configurations
    page = 20  # entries read at once

    def __init__(
        self, client: redis.asyncio.Redis, receiver: R, lease: Lease, names: ReceiverKeys, fresh_progress: P
    ) -> None:
        self._client: Any = client
        self._clock = BusClock()
        self._receiver = receiver
        self._lease = lease
        self._names = names
        self._fresh_progress = fresh_progress

    @property
    def name(self) -> str:
        return f"{self.noun} {self._receiver.id}"

    async def now_ms(self) -> int:
        """The time by Redis's clock, which is also that of the ids of alert entries."""
        with translated():
            await self._clock.sync_async(self._client)
        return self._clock.now_ms()

    async def link_secret(self) -> bytes:
        """What links to pictures and clips are signed with."""
        return await link_secret_async(self._client)

    async def progress(self) -> P:
        with translated():
            data = await self._client.get(self._names.progress)
        decode = type(self._fresh_progress).decode
        # Without the progress every alert on the stream is sent again under its old id: better than to lose one.
        return readable(decode, data, f"the progress of {self.name}") or self._fresh_progress

    async def rows_after(self, progress: P) -> tuple[P, list[Entry]]:
        """The next entries; those that were trimmed before they could be sent are counted as missed, and logged."""
        with translated():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.xinfo_stream(keys.ALERTS)
                pipe.xrange(keys.ALERTS, min=f"({progress.position}", count=self.page)
                info, rows = await pipe.execute(raise_on_error=False)
            alerts = StreamInfo.from_answer(info)
        if alerts is None:
            return progress, []  # no alert yet
        if isinstance(rows, Exception):
            raise rows
        if alerts.added < progress.passed or entry_order(alerts.last_id) < entry_order(progress.position):
            log.warning("%s: Redis has a new stream of alerts; starting at its beginning", self.name)
            return await self.rows_after(progress.moved(position="0-0", passed=0))
        missed = max(0, alerts.added - alerts.length - progress.passed)
        if missed:
            log.error("%s: %d alert changes were trimmed before they were sent", self.name, missed)
        return progress.moved(missed=progress.missed + missed, passed=progress.passed + missed), rows

    async def next_request(self) -> OperatorRequest | None:
        """The oldest that is not handled yet; one that cannot be read is removed."""
        with translated():
            while rows := await self._client.xrange(self._names.asked, count=1):
                request = readable(_request, rows[0], f"a request about {self.name}")
                if request is not None:
                    return request
                await self._client.xdel(self._names.asked, rows[0][0])
        return None

    async def answer_trial(self, request: OperatorRequest, result: DeliveryResult) -> None:
        """Tell whoever asked for a test how it ended."""
        answer = TrialResult(delivered=result.kind is ResultKind.DELIVERED, detail=result.reason)
        name = self._names.answer(request.token)
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush(name, answer.encode())
            pipe.expire(name, _ANSWER_KEPT_S)
            with translated():
                await pipe.execute()

    async def _write(self, queue: Callable[[Any, R], Awaitable[T]], *watched: str) -> T:
        """Execute what ``queue`` puts into a transaction, once it has called ``pipe.multi()``. It is given the receiver
        as it is configured now, and runs again when something has changed meanwhile."""

        async def attempt(pipe: Any) -> T:
            await self._lease.guard_async(pipe)
            return await queue(pipe, await self._configured(pipe))

        try:
            with translated():
                return await self._transact(attempt, *watched)
        except redis.ResponseError as error:
            raise BusUnavailableError(f"Redis refused a delivery's record: {error}") from None

    async def _transact(self, attempt: Callable[[Any], Awaitable[T]], *watched: str) -> T:
        return await transact_async(self._client, attempt, self.configured_in, *watched, subject=self.name)

    async def _configured(self, pipe: Any) -> R:
        """The receiver as it is configured now. Raises `LeaseLostError` when this incarnation is over."""
        data = await pipe.hget(self.configured_in, self._receiver.id)
        receiver = readable(type(self._receiver).decode, data, self.name)
        if receiver is None or receiver.incarnation != self._receiver.incarnation:
            raise LeaseLostError(f"{self.name} was removed, or enabled again")
        return receiver


def _request(row: tuple[bytes, dict[bytes, bytes]]) -> OperatorRequest:
    """Raises `InvalidMessageError`."""
    request_id, fields = row
    if b"t" not in fields:
        return OperatorRequest(request_id, DeadLetter.decode(fields.get(b"d", b"")))
    if not re.fullmatch(rb"[A-Za-z0-9_-]{1,64}", fields[b"t"]):
        raise InvalidMessageError("not the token of a test")
    return OperatorRequest(request_id, None, fields[b"t"].decode())
