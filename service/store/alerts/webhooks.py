"""Webhooks: their configuration, and what the delivery worker writes about them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.bus.keys import WebhookKeys
from patchwatch.bus.stored_records import readable, readable_by_id, required
from patchwatch.bus.streams import StreamInfo
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError, OverloadedError, RetryableError
from patchwatch.messages.alerts.webhook import (
    MAX_DEAD_LETTERS,
    MAX_WEBHOOKS,
    DeadLetter,
    Progress,
    TrialResult,
    Webhook,
)
from service.store.alerts.alert_position import AlertPosition, end_of_alerts
from service.store.alerts.alerts import AlertStore

_T = TypeVar("_T")
_MAX_TRIALS = 8
_MOST_BEGUN_BEFORE = 10_000  # ids that are kept over changes of a webhook
_STARTS_ALERTS = {"enabled", "cameras", "kinds", "states"}  # fields after whose change other alerts are sent
_TRIES = 20  # a change is tried again when another one interferes


@dataclass(frozen=True)
class WebhookRecord:
    """``pending``: how many entries of the alert stream lie after the webhook's position."""

    progress: Progress
    pending: int
    dead_letters: int


class WebhookStore:
    """Reads and changes `keys.WEBHOOKS`, reads `WebhookKeys`. Raises `BusUnavailableError` when Redis is away.

    ``hidden``: it lists none. They belong to the whole site.
    """

    def __init__(self, bus: Redis, alerts: AlertStore, *, hidden: bool = False) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._alerts = alerts
        self._trials = 0  # tests that wait for their answer
        self._hidden = hidden

    def limited(self) -> WebhookStore:
        """A store that lists none."""
        return WebhookStore(self._bus, self._alerts, hidden=True)

    async def all(self) -> list[Webhook]:
        """All webhooks, by id. One that cannot be read is left out, as the delivery worker leaves it out."""
        if self._hidden:
            return []
        with translated():
            stored = await self._bus.hgetall(keys.WEBHOOKS)
        return list(readable_by_id(Webhook.decode, stored, "webhook").values())

    async def get(self, webhook_id: str) -> Webhook:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.hget(keys.WEBHOOKS, webhook_id)
        if data is None:
            raise _unknown(webhook_id)
        return required(Webhook.decode, data, f"webhook {webhook_id!r}")

    async def records(self, webhook_ids: list[str]) -> list[WebhookRecord]:
        """One record per webhook, in the order given, all read at the same moment."""
        with translated():
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.xinfo_stream(keys.ALERTS)
                for webhook_id in webhook_ids:
                    pipe.get(WebhookKeys(webhook_id).progress)
                    pipe.xlen(WebhookKeys(webhook_id).dead)
                info, *answers = await pipe.execute(raise_on_error=False)
            alerts = StreamInfo.from_answer(info)
        _raise_first(answers)
        written, kept = (alerts.added, alerts.length) if alerts else (0, 0)
        records = []
        for webhook_id, data, dead_letters in zip(webhook_ids, answers[::2], answers[1::2], strict=True):
            progress = _progress(webhook_id, data)
            records.append(WebhookRecord(progress, min(kept, max(0, written - progress.passed)), dead_letters))
        return records

    async def create(self, webhook: Webhook) -> None:
        """Add a webhook, which gets alerts that begin from now on. Raises `ConflictError` when the id is taken."""
        end = await end_of_alerts(self._bus, self._alerts)
        start = Progress(position=end.last_id, passed=end.passed)
        webhook = _since(webhook, None, end)

        async def attempt(pipe: Any) -> None:
            if await pipe.hexists(keys.WEBHOOKS, webhook.id):
                raise ConflictError(
                    f"webhook {webhook.id!r} exists already: change it with `patchwatch webhooks update "
                    f"{webhook.id}` or PATCH /api/v1/webhooks/{webhook.id}, or choose another id"
                )
            if await pipe.hlen(keys.WEBHOOKS) >= MAX_WEBHOOKS:
                raise ConflictError(f"remove a webhook first: there are {MAX_WEBHOOKS}, and no more are possible")
            pipe.multi()
            pipe.delete(*WebhookKeys(webhook.id).all)
            pipe.set(WebhookKeys(webhook.id).progress, start.encode())
            _put(pipe, webhook)

        await self._transaction(attempt)

    async def change(self, webhook_id: str, changes: Mapping[str, object]) -> Webhook:
        """Apply changed fields. A webhook that is switched on, or whose filters let more through, gets alerts that
        begin from that moment on.

        Raises `NotFoundError` or pydantic's `ValidationError`.
        """
        end = await end_of_alerts(self._bus, self._alerts) if changes.keys() & _STARTS_ALERTS else AlertPosition()
        progress_key = WebhookKeys(webhook_id).progress

        async def attempt(pipe: Any) -> Webhook:
            data = await pipe.hget(keys.WEBHOOKS, webhook_id)
            if data is None:
                raise _unknown(webhook_id)
            before = required(Webhook.decode, data, f"webhook {webhook_id!r}")
            after = _since(Webhook.model_validate({**before.model_dump(), **changes}), before, end)
            progress = None
            if after.enabled and not before.enabled:
                after = after.model_copy(update={"gone": False, "incarnation": uuid.uuid4().hex})
                kept = await pipe.get(progress_key)
                progress = _progress(webhook_id, kept).moved(
                    position=end.last_id, passed=end.passed, attempts=0, streak=0, retry_at_ms=0
                )
            pipe.multi()
            if progress is not None:
                pipe.set(progress_key, progress.encode())
            _put(pipe, after)
            return after

        return await self._transaction(attempt, progress_key)

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook with its dead letters. Raises `NotFoundError`."""

        async def attempt(pipe: Any) -> None:
            if not await pipe.hexists(keys.WEBHOOKS, webhook_id):
                raise _unknown(webhook_id)
            pipe.multi()
            pipe.hdel(keys.WEBHOOKS, webhook_id)
            pipe.incr(keys.WEBHOOKS_REVISION)
            pipe.delete(*WebhookKeys(webhook_id).all)

        await self._transaction(attempt)

    async def dead_letters(
        self, webhook_id: str, after: str, limit: int
    ) -> tuple[list[tuple[str, DeadLetter]], str | None]:
        """Dead letters with their ids, oldest first, and the id to continue after if there may be more."""
        with translated():
            rows = await self._bus.xrange(WebhookKeys(webhook_id).dead, min=f"({after}", count=limit)
        read = [(row[0].decode(), readable(_letter, row, f"dead letter {row[0]!r} of {webhook_id!r}")) for row in rows]
        letters = [(letter_id, letter) for letter_id, letter in read if letter is not None]
        return letters, rows[-1][0].decode() if len(rows) == limit else None

    async def retry(self, webhook_id: str, letter_ids: list[str] | None) -> int:
        """Queue dead letters to be sent again; without ids, all of them. Returns how many.

        Raises `NotFoundError` for an id that does not exist; then none is queued.
        """
        names = WebhookKeys(webhook_id)

        async def attempt(pipe: Any) -> int:
            letters = {letter_id: fields[b"d"] for letter_id, fields in await pipe.xrange(names.dead) if b"d" in fields}
            selected = list(letters) if letter_ids is None else list(map(str.encode, dict.fromkeys(letter_ids)))
            for letter_id in selected:
                if letter_id not in letters:
                    raise NotFoundError(f"webhook {webhook_id!r} has no dead letter {letter_id.decode()!r}")
            if await pipe.xlen(names.asked) + len(selected) > MAX_DEAD_LETTERS:
                raise ConflictError("too many dead letters are being sent again already: wait until they are sent")
            pipe.multi()
            for letter_id in selected:
                pipe.xadd(names.asked, {b"d": letters[letter_id]})
            if selected:
                pipe.xdel(names.dead, *selected)
            return len(selected)

        return await self._transaction(attempt, names.dead, names.asked)

    async def trial(self, webhook_id: str, timeout_s: float) -> TrialResult:
        """Order a test from the delivery worker, and wait for its result.

        Raises `RetryableError` when none comes in time, and `OverloadedError` while too many tests are waiting: each
        holds a connection to Redis.
        """
        if self._trials >= _MAX_TRIALS:
            raise OverloadedError(f"{self._trials} tests of webhooks are being sent already: try again in a moment")
        self._trials += 1
        try:
            return await self._trial(webhook_id, timeout_s)
        finally:
            self._trials -= 1

    async def _trial(self, webhook_id: str, timeout_s: float) -> TrialResult:
        names, token = WebhookKeys(webhook_id), uuid.uuid4().hex
        deadline_s = time.monotonic() + timeout_s
        with translated():
            order_id = await self._bus.xadd(names.asked, {b"t": token})
            while time.monotonic() < deadline_s:
                answer = await self._bus.blpop([names.answer(token)], timeout=BLOCK_MS / 1000)
                if answer is not None:
                    return required(TrialResult.decode, answer[1], f"the result of the test of webhook {webhook_id!r}")
            await self._bus.xdel(names.asked, order_id)
        raise RetryableError(
            f"the test was not sent: no delivery worker took it within {timeout_s:.0f} s: is `patchwatch run delivery` "
            "running?"
        )

    async def _transaction(self, attempt: Callable[[Any], Awaitable[_T]], *watched: str) -> _T:
        with translated():
            return await transact_async(
                self._bus, attempt, keys.WEBHOOKS, *watched, subject="the webhooks", tries=_TRIES
            )


def _since(after: Webhook, before: Webhook | None, end: AlertPosition) -> Webhook:
    """With the alerts whose opening it does not get: those that are open, unless it got theirs as it was before."""
    missed = frozenset(alert.id for alert in end.open if before is None or not before.sends_opening_of(alert))
    earlier = (before.begun_before if before is not None else None) or frozenset[str]()
    kept = missed | earlier if len(earlier) <= _MOST_BEGUN_BEFORE else missed  # their ends may still wait to be sent
    return after.model_copy(update={"begun_before": kept or None})


def _progress(webhook_id: str, data: bytes | None) -> Progress:
    return readable(Progress.decode, data, f"the progress of webhook {webhook_id!r}") or Progress()


def _letter(entry: tuple[bytes, dict[bytes, bytes]]) -> DeadLetter:
    return DeadLetter.decode(entry[1].get(b"d", b""))


def _put(pipe: Any, webhook: Webhook) -> None:
    pipe.hset(keys.WEBHOOKS, webhook.id, webhook.encode())
    pipe.incr(keys.WEBHOOKS_REVISION)


def _raise_first(answers: list[Any]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _unknown(webhook_id: str) -> NotFoundError:
    return NotFoundError(f"there is no webhook {webhook_id!r}: see `patchwatch webhooks list` or GET /api/v1/webhooks")
