"""Webhooks: their configuration, and what the delivery worker writes about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import WebhookKeys
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import StreamInfo
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.alerts.webhook import MAX_DEAD_LETTERS, MAX_WEBHOOKS, DeadLetter, Progress, Webhook
from service.store.alerts.receivers import ReceiverStore


@dataclass(frozen=True)
class WebhookRecord:
    """``pending``: how many entries of the alert stream lie after the webhook's position."""

    progress: Progress
    pending: int
    dead_letters: int


class WebhookStore(ReceiverStore[Webhook, Progress]):
    """Reads and changes `keys.WEBHOOKS`, reads `WebhookKeys`. Raises `BusUnavailableError` when Redis is away."""

    noun = "webhook"
    most = MAX_WEBHOOKS
    configured_in = keys.WEBHOOKS
    revision = keys.WEBHOOKS_REVISION
    starts_alerts = frozenset({"enabled", "cameras", "kinds", "states"})
    switched_on = {"gone": False}  # noqa: RUF012 - of the class, and not changed
    begins_again = {"attempts": 0, "streak": 0, "retry_at_ms": 0}  # noqa: RUF012
    record = Webhook
    progress = Progress

    def names(self, receiver_id: str) -> WebhookKeys:
        return WebhookKeys(receiver_id)

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
            progress = self._progress(webhook_id, data)
            records.append(WebhookRecord(progress, min(kept, max(0, written - progress.passed)), dead_letters))
        return records

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


def _letter(entry: tuple[bytes, dict[bytes, bytes]]) -> DeadLetter:
    return DeadLetter.decode(entry[1].get(b"d", b""))


def _raise_first(answers: list[Any]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
