"""What every delivery loop does: take turns until it is told to stop, and survive a Redis that is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod

from patchwatch.contract.errors import BusUnavailableError, LeaseLapsedError, LeaseLostError
from patchwatch.messages.alerts.webhook import Progress
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_result import LONGEST_RETRY_AFTER_S, DeliveryResult, ResultKind

POLL_S = 1.0  # how often requests of operators are looked for
_RETRY_S = 0.5  # while Redis is away
_AFTER_DEFECT_S = 30.0

log = logging.getLogger("patchwatch.delivery")


class ReceiverLoop(ABC):
    """Stateless between two turns: what was delivered, and how often it was tried, is read from Redis.

    ``name``: of its receiver, in the log.
    """

    def __init__(self, name: str, notifier: AlertNotifier) -> None:
        self._name = name
        self._notifier = notifier
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` end once the attempt in progress is recorded."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver until `stop`, or until the lease or the receiver is over."""
        try:
            while not self._stopping.is_set():
                new_alert = self._notifier.next
                await self._pause(await self._turn(), new_alert)
        except LeaseLostError as error:
            log.info("%s", error)
        finally:
            await self._close()

    @abstractmethod
    async def _deliver_what_is_due(self) -> float:
        """One turn. Returns how many seconds to wait, unless an alert comes first."""

    @abstractmethod
    async def _close(self) -> None:
        """Let go of connections."""

    async def _turn(self) -> float:
        try:
            return await self._deliver_what_is_due()
        except (BusUnavailableError, LeaseLapsedError) as error:
            log.debug("%s: %s", self._name, error)  # the worker logs an outage once for all receivers
            return _RETRY_S
        except LeaseLostError:
            raise
        except Exception:  # border: a defect that one receiver meets must not end the deliveries of the others
            log.exception("%s is tried again in %.0f s", self._name, _AFTER_DEFECT_S)
            return _AFTER_DEFECT_S

    def _log_change(self, before: Progress, after: Progress, result: DeliveryResult) -> None:
        """One line when deliveries begin to fail, one when they succeed again."""
        if result.kind is ResultKind.DELIVERED and before.streak:
            log.info("%s: delivers again after %d failed attempts", self._name, before.streak)
        if after.streak == 1:
            log.warning("%s: a delivery failed: %s", self._name, result.reason)

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


def wait_before_retry_s(progress: Progress, now_ms: int) -> float:
    """Until the next attempt after one that failed; at most 0 where there is nothing to wait for."""
    wait_s = (progress.retry_at_ms - now_ms) / 1000
    # No receiver may ask for more, so a longer wait means that the clock has been set back since.
    return 0.0 if wait_s > LONGEST_RETRY_AFTER_S else wait_s
