"""Delivers the alerts of one webhook, one after the other. A task of its own: no webhook holds up another."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.messages.webhook import Progress, Webhook
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_result import LONGEST_WISH_S, DeliveryResult, Kind
from workers.delivery.http_sender import HttpSender
from workers.delivery.outbox import OperatorRequest, Outbox
from workers.delivery.payload import alert_body, trial_body
from workers.delivery.retry_policy import RetryPolicy, passed, succeeded
from workers.delivery.signature import message_id

_LOOK_EVERY_S = 1.0  # for wishes of users
_AGAIN_S = 0.5  # while Redis is away
_AFTER_DEFECT_S = 30.0

log = logging.getLogger("patchwatch.delivery")


class DeliveryLoop:
    """Keeps nothing between two turns: what was delivered, and how often it was tried, is read from Redis."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, courier: HttpSender, settings: Settings, bell: AlertNotifier
    ) -> None:
        self._webhook = webhook
        self._outbox = outbox
        self._courier = courier
        self._public_url = settings.public_url
        self._rules = RetryPolicy(settings)
        self._bell = bell
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the attempt in hand and its record."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`, or until the lease or the webhook is over."""
        try:
            while not self._stopping.is_set():
                ringing = self._bell.next
                await self._pause(await self._turn(), ringing)
        except LeaseLostError as error:
            log.info("%s", error)
        finally:
            await self._courier.close()

    async def _turn(self) -> float:
        """Returns how long there is nothing to do, unless the bell rings."""
        try:
            progress = await self._outbox.progress()
            wish = await self._outbox.wish()
            if wish is not None:
                progress = await self._fulfil(progress, wish)
            wait_s = await self._deliver(progress)
            return 0.0 if wish is not None else wait_s
        except (BusUnavailableError, LeaseLapsedError) as error:
            log.debug("webhook %s: %s", self._webhook.id, error)  # the worker says it once for all
            return _AGAIN_S
        except LeaseLostError:
            raise
        except Exception:  # border: a defect that one webhook meets must not end the deliveries of the others
            log.exception("webhook %s is tried again in %.0f s", self._webhook.id, _AFTER_DEFECT_S)
            return _AFTER_DEFECT_S

    async def _deliver(self, before: Progress) -> float:
        progress, entries = await self._outbox.follow(before)
        for number, entry in enumerate(entries):
            if not entry.wanted or entry.alert is None:
                progress = passed(progress, entry)
                continue
            wait_s = (progress.retry_at_ms - await self._outbox.now_ms()) / 1000
            if wait_s > LONGEST_WISH_S:  # nobody waits so long: the clock has been set back since
                wait_s = 0.0
            if wait_s > 0 or self._stopping.is_set():
                break
            body = alert_body(entry.id, entry.alert, self._public_url)
            verdict = await self._courier.post(message_id(self._webhook, entry.id), body)
            ruling = self._rules.rule(progress, entry, entries[number + 1 :], verdict, await self._outbox.now_ms())
            self._say(progress, ruling.progress, verdict, len(ruling.letters))
            progress = before = await self._outbox.settle(ruling.progress, ruling.letters, gone=ruling.gone)
            if ruling.gone:
                raise LeaseLostError(f"webhook {self._webhook.id}: its receiver wants nothing more (HTTP 410)")
            if verdict.kind is not Kind.DELIVERED:
                return 0.0  # what follows may have been given up too
        else:
            wait_s = 0.0 if entries else _LOOK_EVERY_S
        if progress != before:
            await self._outbox.settle(progress)
        return max(0.0, min(wait_s, _LOOK_EVERY_S))

    async def _fulfil(self, progress: Progress, wish: OperatorRequest) -> Progress:
        if wish.letter is None:
            verdict = await self._courier.post(
                f"{self._webhook.id}_test_{wish.token}", trial_body(self._webhook.id, await self._outbox.now_ms())
            )
            progress = progress.moved(failed_trial="" if verdict.kind is Kind.DELIVERED else verdict.reason)
            progress = await self._outbox.settle(progress, fulfilled=wish)
            await self._outbox.answer(wish, verdict)
            return progress
        letter = wish.letter
        body = alert_body(letter.entry_id, letter.alert, self._public_url)
        verdict = await self._courier.post(message_id(self._webhook, letter.entry_id), body)
        if verdict.kind is Kind.DELIVERED:
            done = succeeded(progress, await self._outbox.now_ms()).moved(delivered=progress.delivered + 1)
            return await self._outbox.settle(done, fulfilled=wish)
        again = letter.model_copy(update={"attempts": letter.attempts + 1, "reason": verdict.reason})
        noted = self._rules.noted(progress, verdict, await self._outbox.now_ms())
        self._say(progress, noted, verdict, 1)
        # A receiver that is away would hold up new alerts by each of them in turn: all go back.
        return await self._outbox.settle(noted, [again], fulfilled=wish, all_back=verdict.kind is Kind.AWAY)

    def _say(self, before: Progress, after: Progress, verdict: DeliveryResult, given_up: int) -> None:
        """One line when deliveries begin to fail, one when they go on, one for what was given up."""
        if verdict.kind is Kind.DELIVERED and before.streak:
            log.info("webhook %s: delivers again after %d failed attempts", self._webhook.id, before.streak)
        if after.streak == 1:
            log.warning("webhook %s: a delivery failed: %s", self._webhook.id, verdict.reason)
        if given_up:
            log.error(
                "webhook %s: %d alert changes are given up (%s): see `patchwatch webhooks dead-letters %s`",
                self._webhook.id, given_up, verdict.reason, self._webhook.id,
            )  # fmt: skip

    async def _pause(self, wait_s: float, ringing: asyncio.Event) -> None:
        if wait_s <= 0:
            return
        waiting = [asyncio.create_task(event.wait()) for event in (ringing, self._stopping)]
        try:
            await asyncio.wait(waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*waiting, return_exceptions=True)
