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
from patchwatch.bus.stored_records import readable
from patchwatch.bus.stream_ids import entry_order
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError, LeaseLapsedError, LeaseLostError
from patchwatch.messages.alert import Alert
from patchwatch.messages.webhook import MAX_DEAD_LETTERS, DeadLetter, Progress, TrialResult, Webhook
from workers.delivery.delivery_result import DeliveryResult, Kind
from workers.delivery.retry_policy import Entry
from workers.runtime.lease import TRIES, Lease

_PAGE = 20  # entries read at once
_ANSWER_KEPT_S = 60

log = logging.getLogger("patchwatch.delivery")


@dataclass(frozen=True)
class OperatorRequest:
    """What a user asked for: to try a dead letter again, or, with a ``token``, a test."""

    id: bytes
    letter: DeadLetter | None
    token: str = ""


class Outbox:
    """Reads and writes `WebhookKeys` of one webhook.

    Every write raises `LeaseLostError` once the lease, or this incarnation of the webhook, is over (`LeaseLapsedError`
    while it may come back), and `BusUnavailableError`; after that only Redis knows whether it was applied, so
    `progress` is to be read anew.
    """

    def __init__(self, client: redis.asyncio.Redis, webhook: Webhook, lease: Lease) -> None:
        self._client: Any = client
        self._clock = BusClock()
        self._webhook = webhook
        self._lease = lease
        self._keys = WebhookKeys(webhook.id)

    async def now_ms(self) -> int:
        """Redis' time: that of the ids of what is delivered."""
        with translated():
            await self._clock.sync_async(self._client)
        return self._clock.now_ms()

    async def progress(self) -> Progress:
        with translated():
            data = await self._client.get(self._keys.progress)
        # Without it every alert there is comes once more, under the ids they had: better than to lose one.
        return readable(Progress.decode, data, f"the progress of webhook {self._webhook.id!r}") or Progress()

    async def follow(self, progress: Progress) -> tuple[Progress, list[Entry]]:
        """The next entries; what was trimmed before them is counted as missed, and said."""
        with translated():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.xinfo_stream(keys.ALERTS)
                pipe.xrange(keys.ALERTS, min=f"({progress.position}", count=_PAGE)
                info, rows = await pipe.execute(raise_on_error=False)
        if isinstance(info, redis.ResponseError):
            return progress, []  # no alert yet
        for answer in (info, rows):
            if isinstance(answer, Exception):
                raise answer
        if info["entries-added"] < progress.passed or entry_order(info["last-generated-id"].decode()) < entry_order(
            progress.position
        ):
            log.warning("webhook %s: the stream of alerts began anew; starting at its beginning", self._webhook.id)
            return await self.follow(progress.moved(position="0-0", passed=0))
        trimmed = info["entries-added"] - info["length"]
        missed = max(0, trimmed - progress.passed)
        if missed:
            log.error("webhook %s: %d alert changes were trimmed before they were sent", self._webhook.id, missed)
        progress = progress.moved(missed=progress.missed + missed, passed=progress.passed + missed)
        return progress, [self._entry(*row) for row in rows]

    async def wish(self) -> OperatorRequest | None:
        """The oldest that is not fulfilled; one that cannot be read is removed."""
        with translated():
            while rows := await self._client.xrange(self._keys.asked, count=1):
                wish = readable(_wish, rows[0], f"what was asked for webhook {self._webhook.id!r}")
                if wish is not None:
                    return wish
                await self._client.xdel(self._keys.asked, rows[0][0])
        return None

    async def answer(self, wish: OperatorRequest, verdict: DeliveryResult) -> None:
        """Tell how a test ended."""
        answer = TrialResult(delivered=verdict.kind is Kind.DELIVERED, detail=verdict.reason)
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush(self._keys.answer(wish.token), answer.encode())
            pipe.expire(self._keys.answer(wish.token), _ANSWER_KEPT_S)
            with translated():
                await pipe.execute()

    async def settle(
        self,
        progress: Progress,
        letters: Sequence[DeadLetter] = (),
        *,
        fulfilled: OperatorRequest | None = None,
        all_back: bool = False,
        gone: bool = False,
    ) -> Progress:
        """Write the progress with all that belongs to it: letters given up, a wish that was fulfilled, and with
        ``all_back`` every other wish returned to the dead letters. ``gone`` switches the webhook off."""
        for _ in range(TRIES):
            try:
                async with self._client.pipeline(transaction=True) as pipe:
                    with translated():
                        return await self._settle(pipe, progress, letters, fulfilled, all_back, gone)
            except redis.WatchError:
                continue
            except redis.ResponseError as error:
                raise BusUnavailableError(f"Redis refused a delivery's record: {error}") from None
        raise BusUnavailableError(f"webhook {self._webhook.id} is being changed by others all the time")

    async def _settle(
        self, pipe: Any, progress: Progress, letters: Sequence[DeadLetter], fulfilled: OperatorRequest | None,
        all_back: bool, gone: bool,
    ) -> Progress:  # fmt: skip
        of = self._keys
        await pipe.watch(self._lease.unit.lease, keys.WEBHOOKS, of.dead, of.asked)
        webhook = await self._checked(pipe)
        wishes = await pipe.xrange(of.asked) if all_back else []
        back = [fields[b"d"] for wish_id, fields in wishes if b"d" in fields and not _is(fulfilled, wish_id)]
        dying = [letter.encode() for letter in letters] + back
        pushed_out = max(0, await pipe.xlen(of.dead) + len(dying) - MAX_DEAD_LETTERS)
        progress = progress.moved(forgotten=progress.forgotten + pushed_out)
        pipe.multi()
        pipe.set(of.progress, progress.encode())
        for data in dying:
            pipe.xadd(of.dead, {b"d": data}, maxlen=MAX_DEAD_LETTERS, approximate=False)
        done = [fulfilled.id] if fulfilled else []
        done += [wish_id for wish_id, fields in wishes if b"d" in fields]
        if done:
            pipe.xdel(of.asked, *done)
        if gone:
            off = webhook.model_copy(update={"enabled": False, "gone": True})
            pipe.hset(keys.WEBHOOKS, off.id, off.encode())
            pipe.incr(keys.WEBHOOKS_REVISION)
        await pipe.execute()
        return progress

    async def _checked(self, pipe: Any) -> Webhook:
        """The webhook as it is configured now."""
        holder = await pipe.get(self._lease.unit.lease)
        if holder is None:
            raise LeaseLapsedError(f"the lease of webhook {self._webhook.id} has expired")
        if holder != self._lease.value:
            raise LeaseLostError(f"webhook {self._webhook.id} is delivered by another worker now")
        data = await pipe.hget(keys.WEBHOOKS, self._webhook.id)
        webhook = readable(Webhook.decode, data, f"webhook {self._webhook.id!r}")
        if webhook is None or webhook.incarnation != self._webhook.incarnation:
            raise LeaseLostError(f"webhook {self._webhook.id} was removed, or began anew")
        return webhook

    def _entry(self, entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
        name = entry_id.decode()
        alert = readable(Alert.decode, fields.get(b"a", b""), f"alert change {name} for webhook {self._webhook.id!r}")
        return Entry(name, alert, wanted=alert is not None and self._webhook.wants(alert))


def _wish(row: tuple[bytes, dict[bytes, bytes]]) -> OperatorRequest:
    """Raises `InvalidMessageError`."""
    wish_id, fields = row
    if b"t" not in fields:
        return OperatorRequest(wish_id, DeadLetter.decode(fields.get(b"d", b"")))
    if not re.fullmatch(rb"[A-Za-z0-9_-]{1,64}", fields[b"t"]):
        raise InvalidMessageError("not the token of a test")
    return OperatorRequest(wish_id, None, fields[b"t"].decode())


def _is(wish: OperatorRequest | None, wish_id: bytes) -> bool:
    return wish is not None and wish.id == wish_id
