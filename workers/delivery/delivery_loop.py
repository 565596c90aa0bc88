"""Delivers the alerts of one webhook in order. Each webhook has a task of its own, so none holds up another."""

from __future__ import annotations

import logging

from patchwatch.contract.errors import LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_result import ResultKind
from workers.delivery.http_sender import HttpSender
from workers.delivery.outbox import Outbox
from workers.delivery.payload import AlertLinks, alert_body, message_id, trial_body
from workers.delivery.receiver_loop import POLL_S, ReceiverLoop, wait_before_retry_s
from workers.delivery.receiver_outbox import OperatorRequest
from workers.delivery.retry_policy import RetryPolicy, advanced, after_success

log = logging.getLogger("patchwatch.delivery")


class DeliveryLoop(ReceiverLoop):
    """Sends every change of an alert that the webhook wants, one after the other."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, sender: HttpSender, settings: Settings, notifier: AlertNotifier
    ) -> None:
        super().__init__(outbox.name, notifier)
        self._webhook = webhook
        self._outbox = outbox
        self._sender = sender
        self._public_url = settings.public_url
        self._link_hours = settings.link_hours
        self._policy = RetryPolicy(settings)

    async def _close(self) -> None:
        await self._sender.close()

    async def _deliver_what_is_due(self) -> float:
        progress = await self._outbox.progress()
        request = await self._outbox.next_request()
        if request is not None:
            progress = await self._handle(request, progress)
        wait_s = await self._deliver(progress)
        return 0.0 if request is not None else wait_s

    async def _deliver(self, before: Progress) -> float:
        progress, entries = await self._outbox.entries_after(before)
        for number, entry in enumerate(entries):
            if not entry.wanted or entry.alert is None:
                progress = advanced(progress, entry)
                continue
            wait_s = wait_before_retry_s(progress, await self._outbox.now_ms())
            if wait_s > 0 or self._stopping.is_set():
                break
            body = await self._body(entry.id, entry.alert)
            result = await self._sender.post(message_id(self._webhook, entry.id), body)
            now_ms = await self._outbox.now_ms()
            decision = self._policy.decide(progress, entry, entries[number + 1 :], result, now_ms)
            self._log_change(progress, decision.progress, result)
            self._log_dead(len(decision.dead_letters), result.reason)
            progress = before = await self._outbox.record(decision.progress, decision.dead_letters, gone=decision.gone)
            if decision.gone:
                raise LeaseLostError(f"webhook {self._webhook.id}: its receiver wants nothing more (HTTP 410)")
            if result.kind is not ResultKind.DELIVERED:
                return 0.0  # later entries may have been given up too: read again
        else:
            wait_s = 0.0 if entries else POLL_S
        if progress != before:
            await self._outbox.record(progress)
        return max(0.0, min(wait_s, POLL_S))

    async def _body(self, entry_id: str, alert: Alert) -> bytes:
        if self._public_url is None:
            return alert_body(entry_id, alert)
        links = AlertLinks(self._public_url, await self._outbox.link_secret(), self._link_hours)
        return alert_body(entry_id, alert, self._public_url, links)

    async def _handle(self, request: OperatorRequest, progress: Progress) -> Progress:
        if request.dead_letter is None:
            return await self._send_trial(request, progress)
        return await self._resend(request, request.dead_letter, progress)

    async def _send_trial(self, request: OperatorRequest, progress: Progress) -> Progress:
        body = trial_body(self._webhook.id, await self._outbox.now_ms())
        result = await self._sender.post(f"{self._webhook.id}_test_{request.token}", body)
        delivered = result.kind is ResultKind.DELIVERED
        progress = progress.moved(failed_trial="" if delivered else result.reason)
        progress = await self._outbox.record(progress, handled=request)
        await self._outbox.answer_trial(request, result)
        return progress

    async def _resend(self, request: OperatorRequest, dead_letter: DeadLetter, progress: Progress) -> Progress:
        body = await self._body(dead_letter.entry_id, dead_letter.alert)
        result = await self._sender.post(message_id(self._webhook, dead_letter.entry_id), body)
        now_ms = await self._outbox.now_ms()
        if result.kind is ResultKind.DELIVERED:
            after = after_success(progress, now_ms).moved(delivered=progress.delivered + 1)
            return await self._outbox.record(after, handled=request)
        dead_again = dead_letter.model_copy(update={"attempts": dead_letter.attempts + 1, "reason": result.reason})
        after = self._policy.after_failure(progress, result, now_ms)
        self._log_change(progress, after, result)
        self._log_dead(1, result.reason)
        # Each further request would hold up new alerts while the receiver is away: all go back to the dead letters.
        away = result.kind is ResultKind.AWAY
        return await self._outbox.record(after, [dead_again], handled=request, return_requests=away)

    def _log_dead(self, given_up: int, reason: str) -> None:
        if given_up:
            log.error(
                "webhook %s: %d alert changes are given up (%s): see `patchwatch webhooks dead-letters %s`",
                self._webhook.id, given_up, reason, self._webhook.id,
            )  # fmt: skip
