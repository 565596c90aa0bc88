"""One webhook's place in the stream of alerts, and what is written about it: single transactions, under a lease."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import WebhookKeys
from patchwatch.bus.link_secret import link_secret_async
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import StreamInfo, entry_order
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError, LeaseLostError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import ALERT_FIELD, tells_of_alert
from patchwatch.messages.alerts.webhook import MAX_DEAD_LETTERS, DeadLetter, Progress, TrialResult, Webhook
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.retry_policy import AlertEntry
from workers.runtime.leases import Lease

_PAGE = 20  # entries read at once
_ANSWER_KEPT_S = 60

log = logging.getLogger("patchwatch.delivery")


@dataclass(frozen=True)
class OperatorRequest:
    """What an operator asked for: to send a dead letter again, or, with a ``token``, to send a test."""

    id: bytes
    dead_letter: DeadLetter | None
    token: str = ""


class Outbox:
    """Reads and writes `WebhookKeys` of one webhook.

    Every write raises `LeaseLostError` once the lease, or this incarnation of the webhook, is over (`LeaseLapsedError`
    while it may come back), and `BusUnavailableError`; after that only Redis knows whether it was applied, so read
    `progress` again.
    """

    def __init__(self, client: redis.asyncio.Redis, webhook: Webhook, lease: Lease) -> None:
        self._client: Any = client
        self._clock = BusClock()
        self._webhook = webhook
        self._lease = lease
        self._keys = WebhookKeys(webhook.id)

    async def link_secret(self) -> bytes:
        """What links to pictures and clips are signed with."""
        return await link_secret_async(self._client)

    async def now_ms(self) -> int:
        """The time by Redis's clock, which is also that of the ids of alert entries."""
        with translated():
            await self._clock.sync_async(self._client)
        return self._clock.now_ms()

    async def progress(self) -> Progress:
        with translated():
            data = await self._client.get(self._keys.progress)
        # Without the progress every alert on the stream is sent again under its old id: better than to lose one.
        return readable(Progress.decode, data, f"the progress of webhook {self._webhook.id!r}") or Progress()

    async def entries_after(self, progress: Progress) -> tuple[Progress, list[AlertEntry]]:
        """The next entries; those that were trimmed before they could be sent are counted as missed, and logged."""
        with translated():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.xinfo_stream(keys.ALERTS)
                pipe.xrange(keys.ALERTS, min=f"({progress.position}", count=_PAGE)
                info, rows = await pipe.execute(raise_on_error=False)
            alerts = StreamInfo.from_answer(info)
        if alerts is None:
            return progress, []  # no alert yet
        if isinstance(rows, Exception):
            raise rows
        if alerts.added < progress.passed or entry_order(alerts.last_id) < entry_order(progress.position):
            log.warning("webhook %s: Redis has a new stream of alerts; starting at its beginning", self._webhook.id)
            return await self.entries_after(progress.moved(position="0-0", passed=0))
        trimmed = alerts.added - alerts.length
        missed = max(0, trimmed - progress.passed)
        if missed:
            log.error("webhook %s: %d alert changes were trimmed before they were sent", self._webhook.id, missed)
        progress = progress.moved(missed=progress.missed + missed, passed=progress.passed + missed)
        return progress, [self._entry(*row) for row in rows]

    async def next_request(self) -> OperatorRequest | None:
        """The oldest that is not handled yet; one that cannot be read is removed."""
        with translated():
            while rows := await self._client.xrange(self._keys.asked, count=1):
                request = readable(_request, rows[0], f"a request about webhook {self._webhook.id!r}")
                if request is not None:
                    return request
                await self._client.xdel(self._keys.asked, rows[0][0])
        return None

    async def answer_trial(self, request: OperatorRequest, result: DeliveryResult) -> None:
        """Tell whoever asked for a test how it ended."""
        answer = TrialResult(delivered=result.kind is ResultKind.DELIVERED, detail=result.reason)
        name = self._keys.answer(request.token)
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush(name, answer.encode())
            pipe.expire(name, _ANSWER_KEPT_S)
            with translated():
                await pipe.execute()

    async def record(
        self,
        progress: Progress,
        dead_letters: Sequence[DeadLetter] = (),
        *,
        handled: OperatorRequest | None = None,
        return_requests: bool = False,
        gone: bool = False,
    ) -> Progress:
        """Write the progress together with new dead letters and the removal of a ``handled`` request.

        ``return_requests`` moves all other requests to send a dead letter back to the dead letters. ``gone`` switches
        the webhook off. Returns the progress as written.
        """

        async def attempt(pipe: Any) -> Progress:
            return await self._queue(pipe, progress, dead_letters, handled, return_requests, gone)

        try:
            with translated():
                return await transact_async(
                    self._client, attempt, keys.WEBHOOKS, self._keys.dead, self._keys.asked,
                    subject=f"webhook {self._webhook.id}",
                )  # fmt: skip
        except redis.ResponseError as error:
            raise BusUnavailableError(f"Redis refused a delivery's record: {error}") from None

    async def _queue(
        self, pipe: Any, progress: Progress, dead_letters: Sequence[DeadLetter], handled: OperatorRequest | None,
        return_requests: bool, gone: bool,
    ) -> Progress:  # fmt: skip
        await self._lease.guard_async(pipe)
        webhook = await self._configured(pipe)
        asked = await pipe.xrange(self._keys.asked) if return_requests else []
        returned = {request_id: fields[b"d"] for request_id, fields in asked if b"d" in fields}
        done = list(returned)
        if handled is not None:
            done = list(dict.fromkeys([handled.id, *done]))
            returned.pop(handled.id, None)
        dying = [letter.encode() for letter in dead_letters] + list(returned.values())
        pushed_out = max(0, await pipe.xlen(self._keys.dead) + len(dying) - MAX_DEAD_LETTERS)
        progress = progress.moved(forgotten=progress.forgotten + pushed_out)
        pipe.multi()
        pipe.set(self._keys.progress, progress.encode())
        for data in dying:
            pipe.xadd(self._keys.dead, {b"d": data}, maxlen=MAX_DEAD_LETTERS, approximate=False)
        if done:
            pipe.xdel(self._keys.asked, *done)
        if gone:
            off = webhook.model_copy(update={"enabled": False, "gone": True})
            pipe.hset(keys.WEBHOOKS, off.id, off.encode())
            pipe.incr(keys.WEBHOOKS_REVISION)
        return progress

    async def _configured(self, pipe: Any) -> Webhook:
        """The webhook as it is configured now. Raises `LeaseLostError` when this incarnation is over."""
        data = await pipe.hget(keys.WEBHOOKS, self._webhook.id)
        webhook = readable(Webhook.decode, data, f"webhook {self._webhook.id!r}")
        if webhook is None or webhook.incarnation != self._webhook.incarnation:
            raise LeaseLostError(f"webhook {self._webhook.id} was removed, or enabled again")
        return webhook

    def _entry(self, entry_id: bytes, fields: dict[bytes, bytes]) -> AlertEntry:
        name = entry_id.decode()
        if not tells_of_alert(fields):
            return AlertEntry(name, None, wanted=False, tells_of_alert=False)
        alert = readable(
            Alert.decode, fields.get(ALERT_FIELD, b""), f"alert change {name} for webhook {self._webhook.id!r}"
        )
        return AlertEntry(name, alert, wanted=alert is not None and self._webhook.wants(alert))


def _request(row: tuple[bytes, dict[bytes, bytes]]) -> OperatorRequest:
    """Raises `InvalidMessageError`."""
    request_id, fields = row
    if b"t" not in fields:
        return OperatorRequest(request_id, DeadLetter.decode(fields.get(b"d", b"")))
    if not re.fullmatch(rb"[A-Za-z0-9_-]{1,64}", fields[b"t"]):
        raise InvalidMessageError("not the token of a test")
    return OperatorRequest(request_id, None, fields[b"t"].decode())
