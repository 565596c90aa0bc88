"""One webhook's place in the stream of alerts, its dead letters, and what is written about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.keys import WebhookKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import ALERT_FIELD, tells_of_alert
from patchwatch.messages.alerts.webhook import MAX_DEAD_LETTERS, DeadLetter, Progress, Webhook
from workers.delivery.receiver_outbox import OperatorRequest, ReceiverOutbox
from workers.delivery.retry_policy import AlertEntry
from workers.runtime.leases import Lease


class Outbox(ReceiverOutbox[Webhook, Progress]):
    """Reads and writes `WebhookKeys` of one webhook. Raises as `ReceiverOutbox`."""

    noun = "webhook"
    configured_in = keys.WEBHOOKS

    def __init__(self, client: redis.asyncio.Redis, webhook: Webhook, lease: Lease) -> None:
        self._keys = WebhookKeys(webhook.id)
        super().__init__(client, webhook, lease, self._keys, Progress())

    async def entries_after(self, progress: Progress) -> tuple[Progress, list[AlertEntry]]:
        """As `rows_after`, read and judged by the webhook's filters."""
        progress, rows = await self.rows_after(progress)
        return progress, [self._entry(*row) for row in rows]

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

        async def queue(pipe: Any, webhook: Webhook) -> Progress:
            return await self._queue(pipe, webhook, progress, dead_letters, handled, return_requests, gone)

        return await self._write(queue, self._keys.dead, self._keys.asked)

    async def _queue(
        self, pipe: Any, webhook: Webhook, progress: Progress, dead_letters: Sequence[DeadLetter],
        handled: OperatorRequest | None, return_requests: bool, gone: bool,
    ) -> Progress:  # fmt: skip
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

    def _entry(self, entry_id: bytes, fields: dict[bytes, bytes]) -> AlertEntry:
        name = entry_id.decode()
        if not tells_of_alert(fields):
            return AlertEntry(name, None, wanted=False, tells_of_alert=False)
        alert = readable(Alert.decode, fields.get(ALERT_FIELD, b""), f"alert change {name} for {self.name}")
        return AlertEntry(name, alert, wanted=alert is not None and self._receiver.wants(alert))
