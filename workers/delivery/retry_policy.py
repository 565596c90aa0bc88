"""What an attempt's verdict does to a webhook's progress: pure, so that it is the same after every restart."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from patchwatch.bus.stream_ids import entry_ms
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import Alert
from patchwatch.messages.webhook import DeadLetter, Progress
from workers.delivery.delivery_result import DeliveryResult, Kind


@dataclass(frozen=True)
class Entry:
    """A change of an alert on the stream; ``alert`` is None where it cannot be read. ``wanted``: by the filters."""

    id: str
    alert: Alert | None
    wanted: bool


@dataclass(frozen=True)
class RetryDecision:
    """The progress after an attempt, what was given up by it, and whether the webhook is to be switched off."""

    progress: Progress
    letters: tuple[DeadLetter, ...] = ()
    gone: bool = False


class RetryPolicy:
    """Order is kept: an alert waits for the one before it, until that is delivered or given up.

    A receiver that is away is waited for until the alert is too old, and then all that are too old are given up
    together; one that answers with an error is asked a limited number of times, because the alert may be the reason.
    """

    def __init__(self, settings: Settings, jitter: Callable[[], float] = lambda: random.uniform(0.75, 1.25)) -> None:
        self._settings = settings
        self._jitter = jitter
        self._max_age_ms = settings.webhook_max_age_hours * 3_600_000

    def rule(
        self, progress: Progress, entry: Entry, later: Sequence[Entry], verdict: DeliveryResult, now_ms: int
    ) -> RetryDecision:
        """``progress`` stands before ``entry``; ``later`` are entries that follow it."""
        if verdict.kind is Kind.DELIVERED:
            return RetryDecision(
                passed(succeeded(progress, now_ms), entry, delivered=progress.delivered + 1, attempts=0)
            )
        noted = self.noted(progress, verdict, now_ms)
        attempts = progress.attempts + (verdict.kind is Kind.FAILED)
        given_up = self._given_up(entry, later, verdict, attempts, now_ms)
        if not given_up:
            return RetryDecision(noted.moved(attempts=attempts))
        for one in given_up:
            noted = passed(noted, one, dead=noted.dead + one.wanted, attempts=0)
        letters = tuple(
            _letter(one.id, one.alert, verdict, max(1, attempts) if one is entry else 0, now_ms)
            for one in given_up
            if one.alert is not None and one.wanted
        )
        return RetryDecision(noted, letters, gone=verdict.kind is Kind.GONE)

    def noted(self, progress: Progress, verdict: DeliveryResult, now_ms: int) -> Progress:
        """With one more failed attempt, and the time before which none follows."""
        pause = verdict.kind in (Kind.AWAY, Kind.FAILED)
        return progress.moved(
            failed=progress.failed + 1,
            streak=progress.streak + 1,
            retry_at_ms=now_ms + round(1000 * self._wait_s(progress.streak, verdict)) if pause else 0,
            last_error=verdict.reason,
            last_error_at_ms=now_ms,
        )

    def _given_up(
        self, entry: Entry, later: Sequence[Entry], verdict: DeliveryResult, attempts: int, now_ms: int
    ) -> list[Entry]:
        if verdict.kind in (Kind.REJECTED, Kind.GONE) or attempts >= self._settings.webhook_attempts:
            return [entry]
        old = list(takewhile(lambda one: now_ms - entry_ms(one.id) > self._max_age_ms, (entry, *later)))
        return old if verdict.kind is Kind.AWAY else old[:1]

    def _wait_s(self, streak: int, verdict: DeliveryResult) -> float:
        least_s, most_s = self._settings.webhook_retry_min_s, self._settings.webhook_retry_max_s
        return max(min(most_s, least_s * 2.0 ** min(streak, 30)) * self._jitter(), verdict.wait_s or 0.0)


def passed(progress: Progress, entry: Entry, **changes: object) -> Progress:
    """Standing after an entry."""
    unreadable = progress.unreadable + (entry.alert is None)
    return progress.moved(position=entry.id, passed=progress.passed + 1, unreadable=unreadable, **changes)


def succeeded(progress: Progress, now_ms: int) -> Progress:
    """The receiver took something."""
    return progress.moved(streak=0, retry_at_ms=0, last_success_at_ms=now_ms, failed_trial="")


def _letter(entry_id: str, alert: Alert, verdict: DeliveryResult, attempts: int, now_ms: int) -> DeadLetter:
    reason = verdict.reason if attempts else f"too old, while the receiver was away: {verdict.reason}"
    return DeadLetter(entry_id=entry_id, alert=alert, attempts=attempts, reason=reason, died_at_ms=now_ms)
