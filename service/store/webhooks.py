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
from patchwatch.bus.streams import StreamInfo, stream_info_async
from patchwatch.bus.transaction import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError, OverloadedError, RetryableError
from patchwatch.messages.webhook import MAX_DEAD_LETTERS, MAX_WEBHOOKS, DeadLetter, Progress, TrialResult, Webhook

_T = TypeVar("_T")
_TRIALS_AT_ONCE = 8
_TRIES = 20  # a change is tried again when another one came between


@dataclass(frozen=True)
class WebhookRecord:
    """``pending``: entries of the stream of alerts after its position."""

    progress: Progress
    pending: int
    dead_letters: int


class WebhookStore:
    """Reads and changes `keys.WEBHOOKS`, reads `WebhookKeys`. Raises `BusUnavailableError` when Redis is away."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._trials = 0  # that wait for their answer

    async def all(self) -> list[Webhook]:
        """By id; one that cannot be read is left out, as the worker leaves it out."""
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
        """In the order given, all of one moment."""
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
        """It begins with the alerts that come from now on. Raises `ConflictError` when the id is taken."""
        start = await self._end()

        async def attempt(pipe: Any) -> None:
            if await pipe.hexists(keys.WEBHOOKS, webhook.id):
                raise ConflictError(
                    f"webhook {webhook.id!r} exists already: change it with `patchwatch webhooks update "
                    f"{webhook.id}` or PATCH /api/v1/webhooks/{webhook.id}, or choose another id"
                )
            if await pipe.hlen(keys.WEBHOOKS) >= MAX_WEBHOOKS:
                raise ConflictError(f"there are {MAX_WEBHOOKS} webhooks, as many as may be: remove one first")
            pipe.multi()
            pipe.delete(*WebhookKeys(webhook.id).all)
            pipe.set(WebhookKeys(webhook.id).progress, start.encode())
            _put(pipe, webhook)

        await self._transaction(attempt)

    async def change(self, webhook_id: str, changes: Mapping[str, object]) -> Webhook:
        """Apply changed fields. One that is switched on begins with the alerts that come from then on.

        Raises `NotFoundError` or pydantic's `ValidationError`.
        """
        end = await self._end()
        of = WebhookKeys(webhook_id)

        async def attempt(pipe: Any) -> Webhook:
            data = await pipe.hget(keys.WEBHOOKS, webhook_id)
            if data is None:
                raise _unknown(webhook_id)
            before = required(Webhook.decode, data, f"webhook {webhook_id!r}")
            after = Webhook.model_validate({**before.model_dump(), **changes})
            begins = after.enabled and not before.enabled
            progress = None
            if begins:
                after = after.model_copy(update={"gone": False, "incarnation": uuid.uuid4().hex})
                kept = await pipe.get(of.progress)
                progress = _progress(webhook_id, kept).moved(
                    position=end.position, passed=end.passed, attempts=0, streak=0, retry_at_ms=0
                )
            pipe.multi()
            if progress is not None:
                pipe.set(of.progress, progress.encode())
            _put(pipe, after)
            return after

        return await self._transaction(attempt, of.progress)

    async def delete(self, webhook_id: str) -> None:
        """With its dead letters. Raises `NotFoundError`."""

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
        """Oldest first, with their ids, and the id to go on after where there may be more."""
        with translated():
            rows = await self._bus.xrange(WebhookKeys(webhook_id).dead, min=f"({after}", count=limit)
        read = [(row[0].decode(), readable(_letter, row, f"dead letter {row[0]!r} of {webhook_id!r}")) for row in rows]
        letters = [(letter_id, letter) for letter_id, letter in read if letter is not None]
        return letters, rows[-1][0].decode() if len(rows) == limit else None

    async def retry(self, webhook_id: str, letter_ids: list[str] | None) -> int:
        """Queue dead letters to be sent again, all without ids; returns how many.

        Raises `NotFoundError` for one that is not there; then none is queued.
        """
        of = WebhookKeys(webhook_id)

        async def attempt(pipe: Any) -> int:
            rows = {row[0]: row[1][b"d"] for row in await pipe.xrange(of.dead) if b"d" in row[1]}
            chosen = list(rows) if letter_ids is None else [one.encode() for one in dict.fromkeys(letter_ids)]
            for letter_id in chosen:
                if letter_id not in rows:
                    raise NotFoundError(f"webhook {webhook_id!r} has no dead letter {letter_id.decode()!r}")
            if await pipe.xlen(of.asked) + len(chosen) > MAX_DEAD_LETTERS:
                raise ConflictError("too many dead letters are being sent again already: wait for these")
            pipe.multi()
            for letter_id in chosen:
                pipe.xadd(of.asked, {b"d": rows[letter_id]})
            if chosen:
                pipe.xdel(of.dead, *chosen)
            return len(chosen)

        return await self._transaction(attempt, of.dead, of.asked)

    async def trial(self, webhook_id: str, within_s: float) -> TrialResult:
        """Have the delivery worker send a test; its answer.

        Raises `RetryableError` when none comes in time, and `OverloadedError` while others wait for theirs: each
        holds a connection to Redis.
        """
        if self._trials >= _TRIALS_AT_ONCE:
            raise OverloadedError(f"{self._trials} tests of webhooks are being sent already: try again in a moment")
        self._trials += 1
        try:
            return await self._trial(webhook_id, within_s)
        finally:
            self._trials -= 1

    async def _trial(self, webhook_id: str, within_s: float) -> TrialResult:
        of, token = WebhookKeys(webhook_id), uuid.uuid4().hex
        deadline_s = time.monotonic() + within_s
        with translated():
            wish_id = await self._bus.xadd(of.asked, {b"t": token})
            while time.monotonic() < deadline_s:
                found = await self._bus.blpop([of.answer(token)], timeout=BLOCK_MS / 1000)
                if found is not None:
                    return required(TrialResult.decode, found[1], f"how the test of webhook {webhook_id!r} ended")
            await self._bus.xdel(of.asked, wish_id)
        raise RetryableError(f"no delivery worker has sent the test within {within_s:.0f} s: is one alive?")

    async def _end(self) -> Progress:
        """Standing after the last alert there is."""
        with translated():
            alerts = await stream_info_async(self._bus, keys.ALERTS)
        return Progress() if alerts is None else Progress(position=alerts.last_id, passed=alerts.added)

    async def _transaction(self, attempt: Callable[[Any], Awaitable[_T]], *watched: str) -> _T:
        with translated():
            return await transact_async(
                self._bus, attempt, keys.WEBHOOKS, *watched, subject="the webhooks", tries=_TRIES
            )


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
