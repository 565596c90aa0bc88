"""What the result of an attempt does to a webhook's progress: pure, so that it is the same after every restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from patchwatch.bus.backoff import Backoff, even_jitter
from patchwatch.bus.streams import entry_ms
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.webhook import DeadLetter, Progress
from workers.delivery.delivery_result import DeliveryResult, ResultKind

P = TypeVar("P", bound=Progress)


@dataclass(frozen=True)
class AlertEntry:
    """A change of an alert on the stream; ``alert`` is None where it cannot be read. ``wanted``: by the filters.
    ``tells_of_alert``: else it is a verdict or a correction, which no webhook is sent."""

    id: str
    alert: Alert | None
    wanted: bool
    tells_of_alert: bool = True


@dataclass(frozen=True)
class RetryDecision:
    """The progress after an attempt, what was given up by it, and whether the webhook is to be switched off."""

    progress: Progress
    dead_letters: tuple[DeadLetter, ...] = ()
    gone: bool = False


class RetryPolicy:
    """Order is kept: an alert waits for the one before it, until that is delivered or given up.

    While a receiver is away, alerts wait for it until they are too old; then all that are too old are given up
    together. A receiver that answers with an error gets a limited number of attempts, because the alert itself may be
    the reason.
    """

    def __init__(self, settings: Settings, jitter: Callable[[], float] = even_jitter) -> None:
        self._backoff = Backoff(settings.webhook_retry_min_s, settings.webhook_retry_max_s, jitter)
        self._attempts = settings.webhook_attempts
        self._max_age_ms = settings.webhook_max_age_hours * 3_600_000

    def decide(
        self, progress: Progress, entry: AlertEntry, later: Sequence[AlertEntry], result: DeliveryResult, now_ms: int
    ) -> RetryDecision:
        """``progress`` is the one before ``entry``, whose attempt ended in ``result``; ``later`` entries follow it."""
        if result.kind is ResultKind.DELIVERED:
            after = after_success(progress, now_ms)
            return RetryDecision(advanced(after, entry, delivered=progress.delivered + 1, attempts=0))
        after = self.after_failure(progress, result, now_ms)
        attempts = progress.attempts + (result.kind is ResultKind.FAILED)
        given_up = self._given_up(entry, later, result, attempts, now_ms)
        if not given_up:
            return RetryDecision(after.moved(attempts=attempts))
        for lost in given_up:
            after = advanced(after, lost, dead=after.dead + lost.wanted, attempts=0)
        dead_letters = tuple(
            _dead_letter(lost.id, lost.alert, result, max(1, attempts) if lost is entry else 0, now_ms)
            for lost in given_up
            if lost.alert is not None and lost.wanted
        )
        return RetryDecision(after, dead_letters, gone=result.kind is ResultKind.GONE)

    def after_failure(self, progress: P, result: DeliveryResult, now_ms: int) -> P:
        """The progress with one more failed attempt, and the time of the next one."""
        pause = result.kind in (ResultKind.AWAY, ResultKind.FAILED)
        delay_s = max(self._backoff.delay_s(progress.streak), result.wait_s or 0.0) if pause else 0.0
        return progress.moved(
            failed=progress.failed + 1,
            streak=progress.streak + 1,
            retry_at_ms=now_ms + round(1000 * delay_s) if pause else 0,
            last_error=result.reason,
            last_error_at_ms=now_ms,
        )

    def gives_up(self, result: DeliveryResult, answered: int, due_at_ms: int, now_ms: int) -> bool:
        """Whether a message that failed is not tried again. ``answered``: attempts that ended in an error of the
        receiver; ``due_at_ms``: when it was to be sent."""
        if result.kind in (ResultKind.REJECTED, ResultKind.GONE) or answered >= self._attempts:
            return True
        return now_ms - due_at_ms > self._max_age_ms

    def _given_up(
        self, entry: AlertEntry, later: Sequence[AlertEntry], result: DeliveryResult, attempts: int, now_ms: int
    ) -> list[AlertEntry]:
        if result.kind in (ResultKind.REJECTED, ResultKind.GONE) or attempts >= self._attempts:
            return [entry]  # and none of those after it, however old
        old = list(takewhile(lambda other: now_ms - entry_ms(other.id) > self._max_age_ms, (entry, *later)))
        return old if result.kind is ResultKind.AWAY else old[:1]


def advanced(progress: Progress, entry: AlertEntry, **changes: object) -> Progress:
    """The progress once an entry is done with, delivered or not."""
    unreadable = progress.unreadable + (entry.alert is None and entry.tells_of_alert)
    return progress.moved(position=entry.id, passed=progress.passed + 1, unreadable=unreadable, **changes)


def after_success(progress: P, now_ms: int) -> P:
    """The progress once the receiver has accepted a message."""
    return progress.moved(streak=0, retry_at_ms=0, last_success_at_ms=now_ms, failed_trial="")


def _dead_letter(entry_id: str, alert: Alert, result: DeliveryResult, attempts: int, now_ms: int) -> DeadLetter:
    reason = result.reason if attempts else f"too old, while the receiver was away: {result.reason}"
    return DeadLetter(entry_id=entry_id, alert=alert, attempts=attempts, reason=reason, died_at_ms=now_ms)
