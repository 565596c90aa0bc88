"""Has a sentence written about each anomaly when it opens, and once more when it closes after its peak rose.

Whoever waits for sentences waits for nothing else: this is a task of its own, and no message waits for it.
"""

from __future__ import annotations

import logging
import time
from collections import deque

from patchwatch.bus.backoff import Backoff, even_jitter
from patchwatch.bus.streams import entry_ms
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertKind
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_http import NoAnswerError
from workers.delivery.receiver_loop import POLL_S, ReceiverLoop, wait_before_retry_s
from workers.delivery.retry_policy import after_success
from workers.delivery.sentences.sentence_outbox import SentenceOutbox
from workers.delivery.sentences.sentence_server import SentenceServer

RETRY_MIN_S, RETRY_MAX_S = 2.0, 300.0  # between attempts while the server fails
_ATTEMPTS = 2  # of an alert
_LATEST_MS = 120_000  # nobody waits any more for the sentence about an older change
_LARGEST_PICTURE = 4 * 1024 * 1024  # bytes
_MINUTE_S = 60.0

log = logging.getLogger("patchwatch.delivery")


class SentenceLoop(ReceiverLoop):
    """One question at a time. What cannot be asked in time, or within the rate, is counted and left out."""

    def __init__(
        self, outbox: SentenceOutbox, server: SentenceServer, settings: Settings, notifier: AlertNotifier
    ) -> None:
        super().__init__("sentences about alerts", notifier)
        self._outbox = outbox
        self._server = server
        self._asked_at_s: deque[float] = deque(maxlen=settings.sentences_per_minute)
        self._backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S, even_jitter)

    async def _close(self) -> None:
        await self._server.close()

    async def _deliver_what_is_due(self) -> float:
        before = await self._outbox.begun_progress()
        progress, changes = await self._outbox.changes_after(before)
        for entry_id, alert in changes:
            if alert is not None and _asks(alert):
                return await self._answered(progress, entry_id, alert)
            progress = _passed(progress, entry_id)
        if progress != before:
            await self._outbox.record(progress)
        return 0.0 if len(changes) == self._outbox.page else POLL_S

    async def _answered(self, progress: SentenceProgress, entry_id: str, alert: Alert) -> float:
        """What becomes of one change. Returns how many seconds to wait."""
        now_ms = await self._outbox.now_ms()
        if now_ms - entry_ms(entry_id) > _LATEST_MS:
            await self._outbox.record(_passed(progress, entry_id).moved(late=progress.late + 1))
            return 0.0
        if (wait_s := wait_before_retry_s(progress, now_ms)) > 0:
            return min(wait_s, POLL_S)
        alert = await self._outbox.alert(alert.id) or alert  # its picture is that of the peak until now
        written = await self._outbox.sentence(alert.id)
        picture = await self._outbox.picture(alert.id)
        if written is not None and written.peak_at_ms >= alert.peak_at_ms:
            await self._outbox.record(_passed(progress, entry_id))
        elif picture is None or len(picture) > _LARGEST_PICTURE:
            without = progress.without_picture + 1
            await self._outbox.record(_passed(progress, entry_id).moved(without_picture=without))
        elif not self._within_rate():
            await self._outbox.record(_passed(progress, entry_id).moved(limited=progress.limited + 1))
        else:
            await self._ask(progress, entry_id, alert, picture)
        return 0.0

    def _within_rate(self) -> bool:
        """Whether one more may be asked for now, which then counts."""
        now_s = time.monotonic()
        if len(self._asked_at_s) == self._asked_at_s.maxlen and now_s - self._asked_at_s[0] < _MINUTE_S:
            return False
        self._asked_at_s.append(now_s)
        return True

    async def _ask(self, progress: SentenceProgress, entry_id: str, alert: Alert, picture: bytes) -> None:
        name = await self._outbox.camera_name(alert.camera_id)
        try:
            text = await self._server.sentence(alert, name, picture)
        except NoAnswerError as error:
            await self._failed(progress, entry_id, error.result)
            return
        now_ms = await self._outbox.now_ms()
        sentence = Sentence(text=text, model=self._server.model, at_ms=now_ms, peak_at_ms=alert.peak_at_ms)
        after = _passed(after_success(progress, now_ms), entry_id)
        self._log_change(progress, after, DeliveryResult(ResultKind.DELIVERED))
        await self._outbox.record(after.moved(delivered=progress.delivered + 1), alert.id, sentence)

    async def _failed(self, progress: SentenceProgress, entry_id: str, result: DeliveryResult) -> None:
        """The next attempt, of whatever alert, waits the longer the more have failed."""
        now_ms = await self._outbox.now_ms()
        wait_s = max(self._backoff.delay_s(progress.streak), result.wait_s or 0.0)
        after = progress.moved(
            failed=progress.failed + 1, streak=progress.streak + 1, attempts=progress.attempts + 1,
            retry_at_ms=now_ms + round(1000 * wait_s), last_error=result.reason, last_error_at_ms=now_ms,
        )  # fmt: skip
        self._log_change(progress, after, result)
        if after.attempts >= _ATTEMPTS or result.kind is ResultKind.REJECTED:
            after = _passed(after, entry_id).moved(dead=progress.dead + 1)
        await self._outbox.record(after)


def _asks(alert: Alert) -> bool:
    """The other kinds say in words what is wrong."""
    return alert.kind is AlertKind.ANOMALY and alert.change is not AlertChange.UPDATE


def _passed(progress: SentenceProgress, entry_id: str) -> SentenceProgress:
    return progress.moved(position=entry_id, passed=progress.passed + 1, attempts=0)
