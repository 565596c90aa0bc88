"""Delivers the alerts of one webhook in order. Each webhook has a task of its own, so none holds up another."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_result import LONGEST_RETRY_AFTER_S, DeliveryResult, ResultKind
from workers.delivery.http_sender import HttpSender
from workers.delivery.outbox import OperatorRequest, Outbox
from workers.delivery.payload import AlertLinks, alert_body, message_id, trial_body
from workers.delivery.retry_policy import RetryPolicy, advanced, after_success

_POLL_S = 1.0  # how often requests of operators are looked for
_RETRY_S = 0.5  # while Redis is away
_AFTER_DEFECT_S = 30.0

log = logging.getLogger("patchwatch.delivery")


class DeliveryLoop:
    """Stateless between two turns: what was delivered, and how often it was tried, is read from Redis."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, sender: HttpSender, settings: Settings, notifier: AlertNotifier
    ) -> None:
        self._webhook = webhook
        self._outbox = outbox
        self._sender = sender
        self._public_url = settings.public_url
        self._link_hours = settings.link_hours
        self._policy = RetryPolicy(settings)
        self._notifier = notifier
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` end once the attempt in progress is recorded."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver until `stop`, or until the lease or the webhook is over."""
        try:
            while not self._stopping.is_set():
                new_alert = self._notifier.next
                await self._pause(await self._turn(), new_alert)
        except LeaseLostError as error:
            log.info("%s", error)
        finally:
            await self._sender.close()

    async def _turn(self) -> float:
        """Returns how many seconds to wait, unless an alert comes first."""
        try:
            progress = await self._outbox.progress()
            request = await self._outbox.next_request()
            if request is not None:
                progress = await self._handle(request, progress)
            wait_s = await self._deliver(progress)
            return 0.0 if request is not None else wait_s
        except (BusUnavailableError, LeaseLapsedError) as error:
            log.debug("webhook %s: %s", self._webhook.id, error)  # the worker logs an outage once for all webhooks
            return _RETRY_S
        except LeaseLostError:
            raise
        except Exception:  # border: a defect that one webhook meets must not end the deliveries of the others
            log.exception("webhook %s is tried again in %.0f s", self._webhook.id, _AFTER_DEFECT_S)
            return _AFTER_DEFECT_S

    async def _deliver(self, before: Progress) -> float:
        progress, entries = await self._outbox.entries_after(before)
        for number, entry in enumerate(entries):
            if not entry.wanted or entry.alert is None:
                progress = advanced(progress, entry)
                continue
            wait_s = await self._wait_before_retry(progress)
            if wait_s > 0 or self._stopping.is_set():
                break
            body = await self._body(entry.id, entry.alert)
            result = await self._sender.post(message_id(self._webhook, entry.id), body)
            now_ms = await self._outbox.now_ms()
            decision = self._policy.decide(progress, entry, entries[number + 1 :], result, now_ms)
            self._log_change(progress, decision.progress, result, len(decision.dead_letters))
            progress = before = await self._outbox.record(decision.progress, decision.dead_letters, gone=decision.gone)
            if decision.gone:
                raise LeaseLostError(f"webhook {self._webhook.id}: its receiver wants nothing more (HTTP 410)")
            if result.kind is not ResultKind.DELIVERED:
                return 0.0  # later entries may have been given up too: read again
        else:
            wait_s = 0.0 if entries else _POLL_S
        if progress != before:
            await self._outbox.record(progress)
        return max(0.0, min(wait_s, _POLL_S))

    async def _body(self, entry_id: str, alert: Alert) -> bytes:
        if self._public_url is None:
            return alert_body(entry_id, alert)
        links = AlertLinks(self._public_url, await self._outbox.link_secret(), self._link_hours)
        return alert_body(entry_id, alert, self._public_url, links)

    async def _wait_before_retry(self, progress: Progress) -> float:
        wait_s = (progress.retry_at_ms - await self._outbox.now_ms()) / 1000
        # No receiver may ask for more, so a longer wait means that the clock has been set back since.
        return 0.0 if wait_s > LONGEST_RETRY_AFTER_S else wait_s

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
        self._log_change(progress, after, result, 1)
        # Each further request would hold up new alerts while the receiver is away: all go back to the dead letters.
        away = result.kind is ResultKind.AWAY
        return await self._outbox.record(after, [dead_again], handled=request, return_requests=away)

    def _log_change(self, before: Progress, after: Progress, result: DeliveryResult, given_up: int) -> None:
        """One line when deliveries begin to fail, one when they succeed again, one for alerts that are given up."""
        if result.kind is ResultKind.DELIVERED and before.streak:
            log.info("webhook %s: delivers again after %d failed attempts", self._webhook.id, before.streak)
        if after.streak == 1:
            log.warning("webhook %s: a delivery failed: %s", self._webhook.id, result.reason)
        if given_up:
            log.error(
                "webhook %s: %d alert changes are given up (%s): see `patchwatch webhooks dead-letters %s`",
                self._webhook.id, given_up, result.reason, self._webhook.id,
            )  # fmt: skip

    async def _pause(self, wait_s: float, new_alert: asyncio.Event) -> None:
        if wait_s <= 0:
            return
        waiting = [asyncio.create_task(event.wait()) for event in (new_alert, self._stopping)]
        try:
            await asyncio.wait(waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*waiting, return_exceptions=True)
