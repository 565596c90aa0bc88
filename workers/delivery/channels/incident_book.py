"""What a channel is to tell of: the stream of alerts folded into incidents. Pure, so that it is the same after every
restart, and at every speed of the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from patchwatch.bus.streams import entry_ms
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertState
from patchwatch.messages.alerts.channel import MAX_INCIDENTS, Channel, ChannelProgress, NoticeKind
from patchwatch.messages.alerts.incident import MAX_ALERTS_OF_INCIDENT, MAX_OTHERS_OF_INCIDENT, Incident, IncidentAlert
from patchwatch.messages.alerts.mute import Mute, is_muted
from patchwatch.messages.alerts.verdict import Verdict

_FOLLOWED_MS = 24 * 3_600_000  # an incident that was told of is followed so long for its end


@dataclass(frozen=True)
class StreamEntry:
    """An entry of the stream of alerts: a change of an alert, or else an operator's verdict on one, or neither.
    ``unreadable``: it should have been one of them."""

    id: str
    alert: Alert | None = None
    judged: str | None = None  # the id of the alert
    verdict: Verdict | None = None  # None: taken back
    unreadable: bool = False


@dataclass(frozen=True)
class Notice:
    """A message that is due. ``needed``: False where somebody has reviewed it all, or the cameras are muted by now."""

    kind: NoticeKind
    incident: Incident
    due_at_ms: int
    needed: bool = True


class IncidentBook:
    """The rules of one channel. ``mutes``: as they are now, by their ids. ``seen``: the cameras that may be told of;
    None: all."""

    def __init__(self, channel: Channel, mutes: Mapping[str, Mute], seen: frozenset[str] | None = None) -> None:
        self._channel = channel
        self._mutes = mutes
        self._seen = seen

    def fold(self, progress: ChannelProgress, entries: Sequence[StreamEntry]) -> ChannelProgress:
        """The progress once the entries were looked at, in their order."""
        for entry in entries:
            progress = self._after(progress, entry).moved(
                position=entry.id, passed=progress.passed + 1, unreadable=progress.unreadable + entry.unreadable
            )
        return progress

    def next_notice(self, progress: ChannelProgress) -> Notice | None:
        """The one that is due first, be it in the future; None where nothing is to be said."""
        notices = [notice for incident in progress.incidents if (notice := self._notice(incident)) is not None]
        return min(notices, key=lambda notice: notice.due_at_ms, default=None)

    def told(self, progress: ChannelProgress, notice: Notice, *, sent: bool) -> ChannelProgress:
        """The progress once a notice was sent, or will never be."""
        after = notice.incident.model_copy(update={"told": True, "silent": not sent})
        kept = (after if incident.id == after.id else incident for incident in progress.incidents)
        is_last = notice.kind is NoticeKind.OVER
        return progress.moved(incidents=tuple(one for one in kept if not (is_last and one.id == after.id)))

    def without_the_past(self, progress: ChannelProgress, now_ms: int) -> ChannelProgress:
        """Without the incidents of which nothing more can be said."""
        kept = tuple(one for one in progress.incidents if not self._is_done(one, now_ms))
        return progress if len(kept) == len(progress.incidents) else progress.moved(incidents=kept)

    def _is_done(self, incident: Incident, now_ms: int) -> bool:
        if not incident.told:
            return False
        speaks_of_end = self._channel.over and not incident.silent
        return (incident.is_over and not speaks_of_end) or now_ms - incident.begun_at_ms > _FOLLOWED_MS

    def _notice(self, incident: Incident) -> Notice | None:
        """Of the alerts of an incident that may be seen by now; where there are none, it is not needed."""
        notice = self._notice_of_all(incident)
        if notice is None or self._seen is None:
            return notice
        alerts = tuple(one for one in incident.alerts if one.alert.camera_id in self._seen)
        if not alerts:
            return replace(notice, needed=False)
        return replace(notice, incident=incident.model_copy(update={"alerts": alerts, "also": ()}))

    def _notice_of_all(self, incident: Incident) -> Notice | None:
        if not incident.told:
            due_at_ms = incident.begun_at_ms + self._channel.wait_ms
            reviewed = self._channel.after_minutes is not None and incident.is_reviewed
            muted = all(is_muted(self._mutes, one.alert.camera_id, due_at_ms) for one in incident.alerts)
            return Notice(NoticeKind.ALERT, incident, due_at_ms, needed=not (reviewed or muted))
        if self._channel.over and incident.is_over and not incident.silent:
            ended = (one.alert.ended_at_ms or 0 for one in incident.alerts)
            return Notice(NoticeKind.OVER, incident, max(ended))
        return None

    def _after(self, progress: ChannelProgress, entry: StreamEntry) -> ChannelProgress:
        if entry.judged is not None:
            return _changed(progress, entry.judged, {"reviewed": entry.verdict is not None})
        alert = entry.alert
        if alert is None:
            return progress
        if (known := _find(progress, alert.id)) is not None:
            rose = alert.change is AlertChange.UPDATE
            return _changed(progress, alert.id, {"alert": alert, "updates": known.updates + rose})
        wanted = self._channel.wants(alert) and (self._seen is None or alert.camera_id in self._seen)
        if alert.state is AlertState.CLOSED or not wanted or _is_listed(progress, alert.id):
            return progress
        at_ms = entry_ms(entry.id)
        if is_muted(self._mutes, alert.camera_id, at_ms) or not self._channel.speaks_at(at_ms):
            return progress.moved(silenced=progress.silenced + (alert.change is AlertChange.OPEN))
        return self._with(progress, entry.id, at_ms, alert)

    def _with(self, progress: ChannelProgress, entry_id: str, at_ms: int, alert: Alert) -> ChannelProgress:
        """With one more alert, in the incident that it belongs to or in one of its own."""
        window_ms = 1000 * self._channel.window_s
        for incident in reversed(progress.incidents):
            if not incident.told and 0 <= at_ms - incident.begun_at_ms <= window_ms:
                return progress.moved(incidents=_replaced(progress.incidents, _joined(incident, alert)))
        begun = Incident(id=entry_id, begun_at_ms=at_ms, alerts=(IncidentAlert(alert=alert),))
        incidents = (*progress.incidents, begun)
        if len(incidents) > MAX_INCIDENTS:
            gone = next((one for one in incidents if one.told), incidents[0])
            incidents = tuple(one for one in incidents if one is not gone)
            progress = progress.moved(forgotten=progress.forgotten + (not gone.told))
        return progress.moved(incidents=incidents)


def _joined(incident: Incident, alert: Alert) -> Incident:
    if len(incident.alerts) >= MAX_ALERTS_OF_INCIDENT:
        return incident.model_copy(update={"also": (*incident.also, alert.id)[-MAX_OTHERS_OF_INCIDENT:]})
    return incident.model_copy(update={"alerts": (*incident.alerts, IncidentAlert(alert=alert))})


def _replaced(incidents: tuple[Incident, ...], after: Incident) -> tuple[Incident, ...]:
    return tuple(after if incident.id == after.id else incident for incident in incidents)


def _find(progress: ChannelProgress, alert_id: str) -> IncidentAlert | None:
    members = (one for incident in progress.incidents for one in incident.alerts)
    return next((one for one in members if one.alert.id == alert_id), None)


def _is_listed(progress: ChannelProgress, alert_id: str) -> bool:
    return any(alert_id in incident.also for incident in progress.incidents)


def _changed(progress: ChannelProgress, alert_id: str, changes: Mapping[str, object]) -> ChannelProgress:
    if _find(progress, alert_id) is None:
        return progress
    incidents = tuple(
        incident.model_copy(
            update={
                "alerts": tuple(
                    one.model_copy(update=changes) if one.alert.id == alert_id else one for one in incident.alerts
                )
            }
        )
        for incident in progress.incidents
    )
    return progress.moved(incidents=incidents)
