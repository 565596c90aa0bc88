"""The alerts of one camera: for anomalies of the scene, and for conditions of the picture or the connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.alarms.event_detector import Event
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Frame
from models.frames.stored_numbers import UNREADABLE
from models.frames.view import WHOLE, ViewMask
from models.tampering.condition import Blindness, Condition, ConditionKind
from models.tampering.detector import PictureCheck, TamperingDetector
from models.tampering.expectation import Expectation
from patchwatch.contract.bounds import counted
from patchwatch.contract.logs import about
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertKind, AlertState
from patchwatch.messages.cameras.analysis_status import OpenCondition
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Region
from workers.analysis.anomaly_kinds import anomaly_kind
from workers.inference.offline_detector import CaptureObservation, Offline, OfflineDetector

_OF_PICTURE = tuple(AlertKind(kind.value) for kind in ConditionKind if kind is not ConditionKind.BLIND)
_DETAILS = {
    AlertKind.FROZEN: "frames arrive, but no pixel has changed for a minute, other than a clock's: restart the camera",
    AlertKind.COVERED: "the picture is black or without detail: check the lens and the light",
    AlertKind.SCENE_CHANGED: "the view is another one: the camera was moved or switched to infrared, or the light did",
    AlertKind.SHAKING: "the picture as a whole moves to and fro: fix the camera, or switch its stabiliser on",
    AlertKind.FLICKERING: "bars of light roll through the picture: set the camera to the mains frequency (50 or 60 Hz)",
}
_NO_BANK = ""
_LEARNT = "the new view has lasted and counts as the usual one now; the bank does not know it: enrol again"

_ANNOUNCED_STEP = 0.05  # subscribers hear of a raised peak in steps of this much; the record always has the latest

WallClock = Callable[[float, float], int]  # see `CameraState.wall_ms`

log = logging.getLogger(__name__)


def _own_clock(at_s: float, _: float) -> int:
    return round(at_s * 1000)


@dataclass
class AnomalyAlert:
    """The open anomaly alert of one camera, if there is one. Follows the events of its scorer.

    Events are on the camera's own time, alerts on the wall clock as it was set when they began (``wall_ms``). Only an
    alert's id keeps the camera's own time, which always rises.
    """

    open: Alert | None = None
    announced_peak: float = 0.0  # of the open alert, as subscribers last heard it
    wall_ms: WallClock = field(default=_own_clock, repr=False, compare=False)
    provisional: bool = field(default=False, compare=False)  # whether those that open now open at a provisional level
    page_only: bool = field(default=False, compare=False)  # whether those that open now are for the page alone
    silent: bool = field(default=False, compare=False)  # whether the log says nothing of them

    def update(
        self,
        camera: Camera,
        scorer: FrameScorer | None,
        event: Event,
        region: Region | None,
        zones: tuple[str, ...] = (),
    ) -> tuple[Alert, bool]:
        """The alert after a change of its event, and whether to announce it to subscribers: they hear of its opening,
        its closing, and a peak that rose by a step.

        ``region``: where the peak was, in pixels of the camera's own picture; None keeps the one before. ``zones``: the
        names of those that it lies in.
        """
        alert_id = f"{camera.id}-{round(event.started_s * 1000)}"
        known = self.open if self.open and self.open.id == alert_id else None
        alert = self._follow(known or self._new_alert(camera, scorer, alert_id, event), event)
        if region is not None:
            alert = alert.model_copy(update={"region": region, "zones": zones})
        if scorer is not None:
            higher = known is None or event.peak_score > (known.peak_score or 0.0)
            context = scorer.context if higher else alert.context
            kind = anomaly_kind(scorer.bank.profile, event.stream)
            alert = alert.model_copy(update={"anomaly": kind, "context": context})
        closed = alert.state is AlertState.CLOSED
        announce = known is None or closed or event.peak_score >= self.announced_peak + _ANNOUNCED_STEP
        if announce:
            self.announced_peak = event.peak_score
            if not self.silent:
                _log_anomaly(alert)
        self.open = None if closed else alert.model_copy(update={"told": alert.told + announce})
        return alert, announce

    def events_without_scorer(self) -> list[Event]:
        """The event of the open alert, closed, where nothing but the alert's record is left of it."""
        return [closed_event_of(self.open)] if self.open else []

    def _new_alert(self, camera: Camera, scorer: FrameScorer | None, alert_id: str, event: Event) -> Alert:
        return Alert(
            version=1,
            id=alert_id,
            camera_id=camera.id,
            state=AlertState.OPEN,
            started_at_ms=self.wall_ms(event.started_s, event.started_s),
            opened_at_ms=self.wall_ms(event.opened_s, event.started_s),
            peak_at_ms=self.wall_ms(event.peak_s, event.started_s),
            peak_score=event.peak_score,
            threshold=scorer.rule.on if scorer else event.peak_score,
            profile=camera.profile,
            bank_id=scorer.bank.id if scorer else "",
            random_weights=scorer.bank.random_weights if scorer else False,
            provisional=self.provisional,
            page_only=self.page_only,
        )

    def _follow(self, alert: Alert, event: Event) -> Alert:
        return alert.model_copy(
            update={
                "state": AlertState.OPEN if event.ended_s is None else AlertState.CLOSED,
                "peak_at_ms": self.wall_ms(event.peak_s, event.started_s),
                "peak_score": event.peak_score,
                "stream": event.stream,
                "ended_at_ms": None if event.ended_s is None else self.wall_ms(event.ended_s, event.started_s),
            }
        )


def closed_event_of(alert: Alert) -> Event:
    """The event of an open alert, where nothing but the alert's record is left of it: it ended at its peak or later.
    Its start on the camera's own time is part of the alert's id."""
    own_ms = counted(alert.id.rpartition("-")[2].encode()) or alert.started_at_ms
    ahead_ms = own_ms - alert.started_at_ms
    opened_s, peak_s = (alert.opened_at_ms + ahead_ms) / 1000, (alert.peak_at_ms + ahead_ms) / 1000
    return Event(own_ms / 1000, opened_s, peak_s, alert.peak_score or 0.0, alert.stream, None, peak_s)


def _log_anomaly(alert: Alert) -> None:
    if alert.change is AlertChange.OPEN:
        sure = " (provisional: little is known yet of what is normal)" if alert.provisional else ""
        log.warning(
            "%s: anomaly%s: score %.2f, threshold %.2f", alert.camera_id, sure, alert.peak_score, alert.threshold,
            extra=about(alert.camera_id),
        )  # fmt: skip
    elif alert.change is AlertChange.CLOSED:
        log.info(
            "%s: anomaly is over, its peak was %.2f", alert.camera_id, alert.peak_score, extra=about(alert.camera_id)
        )


@dataclass
class ConditionAlerts:
    """Of one camera. At most one alert of each kind is open; the methods return alerts that opened or closed."""

    alerts: dict[AlertKind, Alert] = field(default_factory=dict)  # the open ones
    wall_ms: WallClock = field(default=_own_clock, repr=False, compare=False)
    _tampering: TamperingDetector = field(default_factory=TamperingDetector)
    _blindness: Blindness = field(default_factory=Blindness)
    _expectation: Expectation = field(default_factory=lambda: Expectation(()))
    _offline: OfflineDetector = field(default_factory=OfflineDetector)
    _offline_state: dict[str, Any] = field(default_factory=lambda: OfflineDetector().state())  # needed with each frame
    _mask: ViewMask = WHOLE
    _revision: int | None = None  # of the camera whose pictures the detector knows
    _bank_id: str | None = _NO_BANK  # of the bank that the detector last expected the view of; None: not known

    def observe_frame(self, camera: Camera, frame: Frame) -> tuple[PictureCheck, list[Alert]]:
        """Judge the picture as a whole; the alerts are those that opened or closed."""
        alerts = []
        if self._revision != camera.revision:  # another source shows another scene
            alerts += self._finish_all()
            self._tampering, self._revision = TamperingDetector(mask=self._mask), camera.revision
            self._tampering.expect(self._expectation)
        check = self._tampering.observe(frame)
        alerts += [self._alert_of(camera, change) for change in check.changes]
        return check, alerts

    def observe_score(self, camera: Camera, frame: Frame, silent: bool, *, missed: bool = False) -> list[Alert]:
        """Judge a scored frame; ``silent``: a stream that should have found something in it did not. ``missed``: frames
        before it were dropped, as this machine did not keep up."""
        changes = self._blindness.observe(frame.at_s, silent=silent, jumped=frame.discontinuity, missed=missed)
        return [self._alert_of(camera, change) for change in changes]

    def observe_capture(self, camera: Camera, capture: CaptureObservation, offline_after_s: float) -> list[Alert]:
        """Judge the camera's connection. Conditions of the picture end when its frames stop."""
        change = self._offline.observe(camera, capture, offline_after_s)
        self._offline_state = self._offline.state()
        if change is None:
            orphaned = self._offline.open is None and AlertKind.OFFLINE in self.alerts  # its state was unreadable
            return [self._close(AlertKind.OFFLINE, capture.at_ms)] if orphaned else []
        closed = self._finish_all() if change.ended_ms is None else []
        return [*closed, self._offline_alert(camera, change)]

    def use(self, mask: ViewMask) -> None:
        """What counts in the picture, from now on."""
        self._mask = mask
        self._tampering.use(mask)

    def expect(self, bank_id: str, expectation: Expectation) -> None:
        """What the camera showed when its bank was learnt. Another bank than before resets the detector: its
        background, and the conditions open against it, may belong to a view of the past."""
        if self._bank_id not in (bank_id, None):
            self._revision = None
        self._bank_id, self._expectation = bank_id, expectation
        self._tampering.expect(expectation)

    def expect_nothing(self) -> None:
        """There is no bank at present. The id of the last one is kept."""
        self._expectation = Expectation(())
        self._tampering.expect(self._expectation)

    @property
    def blocking(self) -> OpenCondition | None:
        """The oldest condition that keeps anomaly alerts from opening at present."""
        open_alerts = [
            alert for kind, alert in self.alerts.items() if kind not in (AlertKind.ANOMALY, AlertKind.OFFLINE)
        ]
        if not open_alerts:
            return None
        first = min(open_alerts, key=lambda alert: alert.started_at_ms)
        return OpenCondition(kind=first.kind, since_ms=first.started_at_ms, detail=first.detail)

    @property
    def overloaded(self) -> bool:
        """Whether this machine drops frames of the camera, lately, because it does not keep up."""
        return self._blindness.overloaded

    def wrong_since_s(self, at_s: float, captured_ms: int, *, wrong: bool) -> float | None:
        """Since when, on the camera's own time, the picture as a whole is not as it should be, at a frame of ``at_s``
        that is ``wrong`` in itself or not; None where it is. A transition is wrong as long as it lasts, a condition
        since it began, which is found out later. ``captured_ms``: the same moment in Unix time."""
        condition = self.blocking if self.alerts else None
        if condition is not None:
            return at_s - max(0, captured_ms - condition.since_ms) / 1000
        return at_s if wrong else None

    def finish_picture(self) -> list[Alert]:
        """No more frames for now: close the conditions of the picture."""
        ended = {AlertKind(closed.kind.value): self._ended_ms(closed) for closed in self._tampering.finish()}
        kinds = [kind for kind in _OF_PICTURE if kind in self.alerts]
        return [self._close(kind, ended.get(kind, self.alerts[kind].opened_at_ms)) for kind in kinds]

    def finish_scored(self) -> list[Alert]:
        """No frame is scored any more: whether the camera is still blind is not known."""
        ended = [self._ended_ms(change) for change in self._blindness.finish()]
        if AlertKind.BLIND not in self.alerts:
            return []
        return [self._close(AlertKind.BLIND, max([self.alerts[AlertKind.BLIND].opened_at_ms, *ended]))]

    def _finish_all(self) -> list[Alert]:
        return self.finish_picture() + self.finish_scored()

    def finish(self, now_ms: int) -> list[Alert]:
        """The camera is not watched any more: close everything."""
        closed = self._finish_all()
        if self._offline.close(now_ms) and AlertKind.OFFLINE in self.alerts:
            closed.append(self._close(AlertKind.OFFLINE, now_ms))
        self._offline_state = self._offline.state()
        return closed

    def _alert_of(self, camera: Camera, change: Condition) -> Alert:
        kind = AlertKind(change.kind.value)
        if change.ended_s is not None and kind in self.alerts:
            return self._close(kind, self._ended_ms(change), _LEARNT if change.learnt else None)
        started_ms, opened_ms = (self.wall_ms(at_s, change.started_s) for at_s in (change.started_s, change.opened_s))
        return self._open(camera, kind, started_ms, opened_ms, self._detail(kind))

    def _ended_ms(self, change: Condition) -> int:
        return self.wall_ms(change.ended_s or 0.0, change.started_s)

    def _detail(self, kind: AlertKind) -> str:
        if kind is AlertKind.BLIND:
            return self._blindness.detail
        return self._tampering.detail_of(ConditionKind(kind.value)) or _DETAILS[kind]

    def _offline_alert(self, camera: Camera, change: Offline) -> Alert:
        if change.ended_ms is not None and AlertKind.OFFLINE in self.alerts:
            return self._close(AlertKind.OFFLINE, change.ended_ms)
        return self._open(camera, AlertKind.OFFLINE, change.started_ms, change.opened_ms, change.detail)

    def _open(self, camera: Camera, kind: AlertKind, started_ms: int, opened_ms: int, detail: str) -> Alert:
        alert = Alert(
            id=f"{camera.id}-{kind.value}-{started_ms}", camera_id=camera.id, kind=kind, state=AlertState.OPEN,
            started_at_ms=started_ms, opened_at_ms=opened_ms, peak_at_ms=opened_ms, profile=camera.profile,
            detail=detail,
        )  # fmt: skip
        self.alerts[kind] = alert
        log.warning("%s: %s: %s", camera.id, kind.value, detail, extra=about(camera.id))
        return alert

    def _close(self, kind: AlertKind, ended_ms: int, detail: str | None = None) -> Alert:
        alert = self.alerts.pop(kind)
        why, camera_id = f": {detail}" if detail else "", alert.camera_id
        log.info("%s: %s is over%s", camera_id, kind.value, why, extra=about(camera_id))
        changes = {"state": AlertState.CLOSED, "ended_at_ms": ended_ms, "detail": detail or alert.detail}
        return alert.model_copy(update=changes)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "alerts": [alert.model_dump(mode="json") for alert in self.alerts.values()],
            "watch": self._tampering.state(),
            "blindness": self._blindness.state(),
            "silence": self._offline_state,
            "revision": self._revision,
            "bank": self._bank_id,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Of an unreadable one the open alerts are kept, to be closed."""
        self.alerts = {(alert := Alert.model_validate(stored)).kind: alert for stored in state["alerts"]}
        try:
            tampering, blindness, offline = TamperingDetector(mask=self._mask), Blindness(), OfflineDetector()
            tampering.restore(state["watch"])
            tampering.expect(self._expectation)
            if "blindness" in state:  # unknown to earlier versions
                blindness.restore(state["blindness"])
            offline.restore(state["silence"])
        except UNREADABLE as error:
            log.warning("the detection of conditions restarts, its stored state is unreadable (%r)", error)
            return
        self._tampering, self._blindness, self._offline = tampering, blindness, offline
        self._offline_state = offline.state()
        self._revision = state["revision"]
        self._bank_id = state.get("bank")  # unknown to earlier versions
