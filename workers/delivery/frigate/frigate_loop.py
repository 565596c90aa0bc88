"""Makes alerts events of one Frigate: each when it opens, and ends it when it closes. One after the other, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from patchwatch.bus.streams import entry_ms
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertState
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord, NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.frigate import MAX_OPEN_EVENTS, FrigateCreation, FrigateEvent
from patchwatch.messages.alerts.mute import Mute, is_muted
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.channels.channel_outbox import ChannelOutbox
from workers.delivery.channels.incident_book import StreamEntry
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.frigate.camera_names import frigate_name, unknown_camera
from workers.delivery.frigate.event_fields import TRIAL, TRIAL_LABEL, event_fields, is_too_late, label_of
from workers.delivery.frigate.frigate_client import FrigateClient, UnknownToFrigateError
from workers.delivery.guarded_http import NoAnswerError
from workers.delivery.receiver_loop import POLL_S, ReceiverLoop, wait_before_retry_s
from workers.delivery.receiver_outbox import OperatorRequest
from workers.delivery.retry_policy import RetryPolicy, after_success

_LOOK_S = 60.0  # how often open events are compared with their alerts, whose ends may have left the stream
_WRITTEN_MS = 15_000  # within so long Frigate may not have written a new event yet
_LONGEST_MS = 1_800_000  # an event is ended then: Frigate keeps recordings as long as one lasts, and a drift lasts days
_FRESH_MS = 30_000  # an end that is told so soon is one by Frigate's own clock

log = logging.getLogger("patchwatch.delivery")


class FrigateLoop(ReceiverLoop):
    """An event is asked for once: what is in hand is noted before, and looked for at Frigate after a lost answer."""

    def __init__(
        self, channel: Channel, outbox: ChannelOutbox, client: FrigateClient, settings: Settings,
        notifier: AlertNotifier,
    ) -> None:  # fmt: skip
        super().__init__(outbox.name, notifier)
        self._channel = channel
        self._outbox = outbox
        self._client = client
        self._policy = RetryPolicy(settings)
        self._looked_at_s: float | None = None

    async def _close(self) -> None:
        await self._client.close()

    async def _deliver_what_is_due(self) -> float:
        progress = await self._outbox.progress()
        request = await self._outbox.next_request()
        if request is not None:
            await self._send_trial(request, progress)
            return 0.0
        if (wait_s := wait_before_retry_s(progress, await self._outbox.now_ms())) > 0:
            return min(wait_s, POLL_S)
        if (overdue := await self._overdue_event(progress)) is not None:
            await self._end(progress, None, *overdue)
            return 0.0
        return await self._follow(progress)

    async def _follow(self, before: ChannelProgress) -> float:
        """Up to the first entry that asks for something, and that one."""
        progress, entries = await self._outbox.entries_after(before)
        mutes = await self._outbox.mutes()
        for entry in entries:
            alert = entry.alert
            event = progress.frigate.event_of(alert.id) if alert is not None else None
            if alert is not None and event is not None and alert.state is AlertState.CLOSED:
                await self._end(progress, entry, event, alert)
                return 0.0
            if alert is not None and event is None and self._wants(progress, alert):
                if not self._is_silent(entry, alert, mutes):
                    await self._begin(progress, entry, alert)
                    return 0.0
                progress = progress.moved(silenced=progress.silenced + (alert.change is AlertChange.OPEN))
            progress = _passed(progress, entry)
        if progress != before:
            await self._outbox.record(progress)
        return 0.0 if len(entries) == self._outbox.page else POLL_S

    def _wants(self, progress: ChannelProgress, alert: Alert) -> bool:
        begins = alert.state is AlertState.OPEN and alert.id not in progress.frigate.done
        return begins and self._channel.wants(alert)

    def _is_silent(self, entry: StreamEntry, alert: Alert, mutes: Mapping[str, Mute]) -> bool:
        at_ms = entry_ms(entry.id)
        return is_muted(mutes, alert.camera_id, at_ms) or not self._channel.speaks_at(at_ms)

    async def _begin(self, progress: ChannelProgress, entry: StreamEntry, opened: Alert) -> None:
        """One attempt to make an event, or to find the one that an earlier attempt made."""
        alert = (await self._outbox.alerts([opened.id]))[opened.id] or opened
        late = is_too_late(alert, await self._outbox.now_ms())
        name = found = event_id = ""
        try:
            if not late or progress.frigate.creation_for(alert.id) is not None:
                name = await self._name_of(alert)
                progress, found = await self._noted(progress, name, alert)
            if not (late or found):
                event_id = await self._created(name, alert)
        except NoAnswerError as error:
            await self._failed(progress, entry, alert, error.result)
            return
        if late and not found:
            await self._leave_out(progress, entry, alert)
            return
        now_ms = await self._outbox.now_ms()
        after = _passed(after_success(progress, now_ms), entry)
        if found or alert.state is AlertState.OPEN:
            event = FrigateEvent(
                alert_id=alert.id, camera_id=alert.camera_id, event_id=found or event_id, created_at_ms=now_ms
            )
            after = after.moved(frigate=after.frigate.lasting(event))
        else:
            after = after.moved(frigate=after.frigate.finished(alert.id))
        title = f"{label_of(alert)} at {name}: {found or event_id}"
        record = _record(now_ms, alert, NoticeOutcome.SENT, progress.attempts + 1, title)
        await self._succeeded(progress, after, record)

    async def _leave_out(self, progress: ChannelProgress, entry: StreamEntry, alert: Alert) -> None:
        record = _record(
            await self._outbox.now_ms(), alert, NoticeOutcome.GIVEN_UP, 0, answer="too late: it was over for minutes"
        )
        done = progress.frigate.finished(alert.id)
        after = _passed(progress, entry).moved(dead=progress.dead + 1, attempts=0, answered=0, frigate=done)
        await self._outbox.record(after, [record])

    async def _name_of(self, alert: Alert) -> str:
        """Raises `NoAnswerError`, also for a camera that Frigate does not have."""
        known = await self._client.camera_names()
        camera = (await self._outbox.cameras([alert.camera_id]))[alert.camera_id]
        name = frigate_name(self._channel, alert.camera_id, camera, known)
        if name is None:
            raise NoAnswerError(unknown_camera(self._channel, alert.camera_id))
        return name

    async def _noted(self, progress: ChannelProgress, name: str, alert: Alert) -> tuple[ChannelProgress, str]:
        """The progress with what is noted before an event is asked for; and the event that was asked for before, if
        Frigate has it, else an empty text."""
        if len(progress.frigate.events) >= MAX_OPEN_EVENTS:
            reason = f"{MAX_OPEN_EVENTS} events of this channel are open at Frigate"
            raise NoAnswerError(DeliveryResult(ResultKind.REJECTED, reason))
        latest = await self._client.latest_event_id(name, label_of(alert))
        noted = progress.frigate.creation_for(alert.id)
        if noted is not None and latest != noted.last_event_id:
            return progress, latest
        creation = FrigateCreation(alert_id=alert.id, last_event_id=latest)
        if creation == noted:
            return progress, ""
        return await self._outbox.record(progress.moved(frigate=progress.frigate.creating(creation))), ""

    async def _created(self, name: str, alert: Alert) -> str:
        try:
            return await self._client.create(name, label_of(alert), event_fields(alert))
        except UnknownToFrigateError:
            raise NoAnswerError(DeliveryResult(ResultKind.FAILED, "Frigate has lost this camera")) from None

    async def _overdue_event(self, progress: ChannelProgress) -> tuple[FrigateEvent, Alert | None] | None:
        """One whose alert has closed, or is not kept any more, unheard; or that has lasted long enough."""
        now_s = time.monotonic()
        if self._looked_at_s is not None and now_s - self._looked_at_s < _LOOK_S:
            return None
        now_ms = await self._outbox.now_ms()
        alerts = await self._outbox.alerts([event.alert_id for event in progress.frigate.events])
        for event in progress.frigate.events:
            alert = alerts[event.alert_id]
            is_over = alert is None or alert.state is AlertState.CLOSED
            if is_over or now_ms - event.created_at_ms > _LONGEST_MS:
                return event, alert
        self._looked_at_s = now_s
        return None

    async def _end(
        self, progress: ChannelProgress, entry: StreamEntry | None, event: FrigateEvent, alert: Alert | None
    ) -> None:
        """One attempt. ``entry``: where the end was heard of, if it was."""
        ended_at_ms = alert.ended_at_ms if alert is not None else None
        now_ms = await self._outbox.now_ms()
        is_fresh = ended_at_ms is None or now_ms - ended_at_ms < _FRESH_MS
        outcome = NoticeOutcome.SENT
        try:
            await self._client.end(event.event_id, None if is_fresh or ended_at_ms is None else ended_at_ms / 1000)
        except UnknownToFrigateError:
            if now_ms - event.created_at_ms < _WRITTEN_MS:
                result = DeliveryResult(ResultKind.FAILED, "Frigate does not know the new event yet")
                await self._failed(progress, entry, event, result)
                return
            outcome = NoticeOutcome.NOT_NEEDED  # removed there
        except NoAnswerError as error:
            await self._failed(progress, entry, event, error.result)
            return
        after = after_success(progress, now_ms).moved(frigate=progress.frigate.finished(event.alert_id))
        record = _record(now_ms, event, outcome, progress.attempts + 1, f"end of {event.event_id}")
        await self._succeeded(progress, after if entry is None else _passed(after, entry), record)

    async def _succeeded(self, before: ChannelProgress, after: ChannelProgress, record: ChannelRecord) -> None:
        delivered = before.delivered + (record.outcome is NoticeOutcome.SENT)
        self._log_change(before, after, DeliveryResult(ResultKind.DELIVERED))
        await self._outbox.record(after.moved(delivered=delivered, attempts=0, answered=0), [record])

    async def _failed(
        self, progress: ChannelProgress, entry: StreamEntry | None, what: Alert | FrigateEvent, result: DeliveryResult
    ) -> None:
        """Try again later, or never. Without ``entry`` it is the end of an event that was not heard of."""
        now_ms = await self._outbox.now_ms()
        answered = progress.answered + (result.kind is ResultKind.FAILED)
        after = self._policy.after_failure(progress, result, now_ms)
        due_at_ms = entry_ms(entry.id) if entry is not None else now_ms
        self._log_change(progress, after, result)
        if not self._policy.gives_up(result, answered, due_at_ms, now_ms):
            outcome = NoticeOutcome.FAILED
            after = after.moved(attempts=progress.attempts + 1, answered=answered)
        else:
            outcome = NoticeOutcome.GIVEN_UP
            done = progress.frigate.finished(what.id if isinstance(what, Alert) else what.alert_id)
            after = after.moved(attempts=0, answered=0, dead=progress.dead + 1, frigate=done)
            after = after if entry is None else _passed(after, entry)
            log.error(
                "%s: given up (%s): see `patchwatch channels log %s`", self._name, result.reason, self._channel.id
            )
        await self._outbox.record(after, [_record(now_ms, what, outcome, progress.attempts + 1, "", result.reason)])

    async def _send_trial(self, request: OperatorRequest, progress: ChannelProgress) -> None:
        """An event of a second on the first of the channel's cameras; whoever named cameras is told of all that Frigate
        does not have."""
        title, result = "", DeliveryResult(ResultKind.DELIVERED)
        try:
            title = await self._made_trial()
        except NoAnswerError as error:
            result = error.result
        sent = result.kind is ResultKind.DELIVERED
        record = ChannelRecord(
            at_ms=await self._outbox.now_ms(), notice=NoticeKind.TEST, attempt=1, title=title, answer=result.reason,
            outcome=NoticeOutcome.SENT if sent else NoticeOutcome.FAILED,
        )  # fmt: skip
        after = progress.moved(failed_trial="" if sent else result.reason)
        await self._outbox.record(after, [record], handled=request)
        await self._outbox.answer_trial(request, result)

    async def _made_trial(self) -> str:
        known = await self._client.camera_names()
        chosen = self._channel.cameras or await self._outbox.camera_ids()
        cameras = await self._outbox.cameras(chosen)
        names = {camera_id: frigate_name(self._channel, camera_id, cameras[camera_id], known) for camera_id in chosen}
        unknown = [camera_id for camera_id, name in names.items() if name is None]
        made = [name for name in names.values() if name is not None]
        if not chosen:
            raise NoAnswerError(DeliveryResult(ResultKind.REJECTED, "there is no camera yet: add one first"))
        if unknown and (self._channel.cameras or not made):
            raise NoAnswerError(unknown_camera(self._channel, unknown[0]))
        event_id = await self._client.create(made[0], TRIAL_LABEL, TRIAL)
        return f"{TRIAL_LABEL} at {made[0]}: {event_id}"


def _passed(progress: ChannelProgress, entry: StreamEntry) -> ChannelProgress:
    return progress.moved(
        position=entry.id, passed=progress.passed + 1, unreadable=progress.unreadable + entry.unreadable
    )  # fmt: skip


def _record(
    at_ms: int, what: Alert | FrigateEvent, outcome: NoticeOutcome, attempt: int, title: str = "", answer: str = ""
) -> ChannelRecord:
    """Of the beginning of an event where it is told of an alert, else of its end."""
    begins = isinstance(what, Alert)
    return ChannelRecord(
        at_ms=at_ms, notice=NoticeKind.ALERT if begins else NoticeKind.OVER, outcome=outcome, attempt=attempt,
        alert_ids=(what.id if isinstance(what, Alert) else what.alert_id,), title=title, answer=answer,
    )  # fmt: skip
