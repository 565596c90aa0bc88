"""Tells one channel of incidents. Each channel has a task of its own, so none holds up another for longer
than some services are waited for at once (`SENDERS`)."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord, NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.incident import Incident
from patchwatch.notifier.context import incident_context, trial_context
from patchwatch.notifier.protocol import MessageReport
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.channels.channel_outbox import ChannelOutbox
from workers.delivery.channels.channel_sender import Sender
from workers.delivery.channels.incident_book import IncidentBook, Notice
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.payload import AlertLinks
from workers.delivery.receiver_loop import POLL_S, ReceiverLoop, wait_before_retry_s
from workers.delivery.receiver_outbox import OperatorRequest
from workers.delivery.retry_policy import RetryPolicy, after_success

log = logging.getLogger("patchwatch.delivery")


class ChannelLoop(ReceiverLoop):
    """Follows the stream of alerts, and sends each message when it is due, the earliest first."""

    def __init__(
        self, channel: Channel, outbox: ChannelOutbox, sender: Sender, settings: Settings,
        notifier: AlertNotifier,
    ) -> None:  # fmt: skip
        super().__init__(outbox.name, notifier)
        self._channel = channel
        self._outbox = outbox
        self._sender = sender
        self._settings = settings
        self._policy = RetryPolicy(settings)

    async def _close(self) -> None:
        await self._sender.close()

    async def _deliver_what_is_due(self) -> float:
        progress = await self._outbox.progress()
        request = await self._outbox.next_request()
        if request is not None:
            await self._send_trial(request, progress)
            return 0.0
        book = IncidentBook(self._channel, await self._outbox.mutes(), await self._outbox.seen_cameras())
        after, entries = await self._outbox.entries_after(progress)
        after = book.without_the_past(book.fold(after, entries), await self._outbox.now_ms())
        if after != progress:
            after = await self._outbox.record(after)
        if len(entries) == self._outbox.page:
            return 0.0  # more may belong to what has begun
        return await self._say(book, after)

    async def _say(self, book: IncidentBook, progress: ChannelProgress) -> float:
        """Send the message that is due, if any. Returns how many seconds to wait."""
        notice = book.next_notice(progress)
        if notice is None:
            return POLL_S
        now_ms = await self._outbox.now_ms()
        wait_s = max((notice.due_at_ms - now_ms) / 1000, wait_before_retry_s(progress, now_ms))
        old = now_ms - notice.due_at_ms > self._settings.webhook_max_age_hours * 3_600_000
        if old or (not notice.needed and notice.due_at_ms <= now_ms):
            await self._leave_out(book, progress, notice, now_ms, old=old)
            return 0.0
        if wait_s > 0:
            return min(wait_s, POLL_S)
        await self._attempt(book, progress, notice)
        return 0.0

    async def _leave_out(
        self, book: IncidentBook, progress: ChannelProgress, notice: Notice, now_ms: int, *, old: bool
    ) -> None:
        outcome = NoticeOutcome.GIVEN_UP if old else NoticeOutcome.NOT_NEEDED
        record = self._record(notice, outcome, now_ms, 0, answer="too old" if old else "")
        after = book.told(progress, notice, sent=False)
        await self._outbox.record(after.moved(dead=after.dead + old, attempts=0, answered=0), [record])

    async def _attempt(self, book: IncidentBook, progress: ChannelProgress, notice: Notice) -> None:
        result, report = await self._sender.send(await self._context(notice), await self._picture(notice.incident))
        if result.kind is ResultKind.GONE:
            log.info("%s is removed: %s", self._name, result.reason)
            return await self._outbox.remove()
        now_ms = await self._outbox.now_ms()
        attempts = progress.attempts + 1
        if result.kind is ResultKind.DELIVERED:
            after = book.told(after_success(progress, now_ms), notice, sent=True)
            after = after.moved(delivered=after.delivered + 1, attempts=0, answered=0)
            outcome = NoticeOutcome.SENT
        else:
            after, outcome = self._after_failure(book, progress, notice, result, now_ms)
        self._log_change(progress, after, result)
        record = self._record(notice, outcome, now_ms, attempts, report, result.reason)
        await self._outbox.record(after, [record])

    def _after_failure(
        self, book: IncidentBook, progress: ChannelProgress, notice: Notice, result: DeliveryResult, now_ms: int
    ) -> tuple[ChannelProgress, NoticeOutcome]:
        answered = progress.answered + (result.kind is ResultKind.FAILED)
        after = self._policy.after_failure(progress, result, now_ms)
        if not self._policy.gives_up(result, answered, notice.due_at_ms, now_ms):
            return after.moved(attempts=progress.attempts + 1, answered=answered), NoticeOutcome.FAILED
        log.error(
            "%s: a message is given up (%s): see `patchwatch channels log %s`",
            self._name, result.reason, self._channel.id,
        )  # fmt: skip
        given_up = book.told(after, notice, sent=False).moved(attempts=0, answered=0, dead=progress.dead + 1)
        return given_up, NoticeOutcome.GIVEN_UP

    async def _send_trial(self, request: OperatorRequest, progress: ChannelProgress) -> None:
        result, report = await self._sender.send(trial_context(), None)
        sent = result.kind is ResultKind.DELIVERED
        record = ChannelRecord(
            at_ms=await self._outbox.now_ms(), notice=NoticeKind.TEST, attempt=1, title=report.title, text=report.text,
            outcome=NoticeOutcome.SENT if sent else NoticeOutcome.FAILED, answer=result.reason,
        )  # fmt: skip
        after = progress.moved(failed_trial="" if sent else result.reason)
        await self._outbox.record(after, [record], handled=request)
        await self._outbox.answer_trial(request, result)

    async def _context(self, notice: Notice) -> dict[str, Any]:
        incident = notice.incident
        first = incident.alerts[0].alert
        names = await self._outbox.camera_names([member.alert.camera_id for member in incident.alerts])
        sentences = await self._outbox.sentences([member.alert.id for member in incident.alerts])
        links = await self._links(incident.id, first.id)
        return incident_context(notice.kind, incident, names, self._channel.time_zone, links, sentences)

    async def _links(self, entry_id: str, alert_id: str) -> dict[str, str]:
        """To the alert on the page, its picture and its clip; none where nobody has said where the page is. Those for a
        device are relative to the page, which is what it has been added from."""
        known = self._settings.public_url or self._channel.page_url
        url = known if self._channel.device is None else "."
        if url is None:
            return {}
        signed = AlertLinks(url, await self._outbox.link_secret(), self._settings.link_hours).of(entry_id, alert_id)
        return {"link": f"{url}/#alert={quote(alert_id)}", "picture": signed["picture"], "clip": signed["clip"]}

    async def _picture(self, incident: Incident) -> bytes | None:
        """Of the alert with the highest peak."""
        if not self._channel.picture:
            return None
        highest = max(incident.alerts, key=lambda member: member.alert.peak_score or 0.0)
        return await self._outbox.picture(highest.alert.id)

    def _record(
        self, notice: Notice, outcome: NoticeOutcome, at_ms: int, attempt: int, report: MessageReport | None = None,
        answer: str = "",
    ) -> ChannelRecord:  # fmt: skip
        return ChannelRecord(
            at_ms=at_ms, notice=notice.kind, outcome=outcome, attempt=attempt, answer=answer,
            alert_ids=tuple(member.alert.id for member in notice.incident.alerts),
            title=report.title if report else "", text=report.text if report else "",
        )  # fmt: skip
