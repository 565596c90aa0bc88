"""What is wrong with what one camera delivers, and the open alerts that say so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.alarms.event_detector import AlertGate
from models.frames.frame import Frame
from models.tampering.condition import Blindness, Condition, ConditionKind
from models.tampering.detector import TamperingDetector
from models.tampering.expectation import Expectation
from patchwatch.messages.alert import Alert, AlertKind, AlertState
from patchwatch.messages.camera import Camera
from patchwatch.messages.status import OpenCondition
from workers.inference.offline_detector import CaptureObservation, Offline, OfflineDetector

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)  # what JSON of another shape than expected raises
_OF_PICTURE = tuple(AlertKind(kind.value) for kind in ConditionKind if kind is not ConditionKind.BLIND)
_SAYS = {
    AlertKind.FROZEN: "frames arrive, but the picture has not changed for a minute: restart the camera",
    AlertKind.COVERED: "the picture is black or without detail: look at the lens and the light",
    AlertKind.SCENE_CHANGED: "the view is another one: the camera was moved or switched to infrared, or the light did",
    AlertKind.SHAKING: "the picture as a whole moves to and fro: fix the camera, or switch its stabiliser on",
    AlertKind.FLICKERING: "bars of light roll through the picture: set the camera to the mains frequency (50 or 60 Hz)",
}
_NO_BANK = ""
_LEARNT = "the new view has lasted and counts as the usual one now; the bank does not know it: enrol again"

log = logging.getLogger(__name__)


@dataclass
class ConditionAlerts:
    """Of one camera. At most one alert of each kind is open; the methods return alerts that opened or closed.

    ``wall_ms`` says what the wall clock showed at a moment of the frames' clock, by the clock of another moment.
    """

    alerts: dict[AlertKind, Alert] = field(default_factory=dict)  # the open ones
    wall_ms: Callable[[float, float], int] = field(
        default=lambda at_s, _: round(at_s * 1000), repr=False, compare=False
    )
    _watch: TamperingDetector = field(default_factory=TamperingDetector)
    _blindness: Blindness = field(default_factory=Blindness)
    _expectation: Expectation = field(default_factory=lambda: Expectation(()))
    _silence: OfflineDetector = field(default_factory=OfflineDetector)
    _revision: int | None = None  # of the camera whose pictures the watch knows
    _bank_id: str | None = _NO_BANK  # that the watch last went by; None: not known

    def look(self, camera: Camera, frame: Frame) -> tuple[AlertGate, list[Alert]]:
        """Take a frame; also returns what its score is worth."""
        changed = []
        if self._revision != camera.revision:  # another source shows another scene
            changed += self._finish_all()
            self._watch, self._revision = TamperingDetector(), camera.revision
            self._watch.expect(self._expectation)
        rejoined = frame.discontinuity and not frame.cut
        sight = self._watch.look(frame.rgb, frame.at_s, rejoined=rejoined, cut=frame.cut)
        changed += [self._alert_of(camera, change) for change in sight.changes]
        return sight.attention, changed

    def expect(self, bank_id: str, expectation: Expectation) -> None:
        """What the camera showed when its bank was learnt. With another bank than before the watch begins anew: what
        was usual, and what is open against it, may be of a view of the past."""
        if self._bank_id not in (bank_id, None):
            self._revision = None
        self._bank_id, self._expectation = bank_id, expectation
        self._watch.expect(expectation)

    def expect_nothing(self) -> None:
        """There is no bank at present. Which one there was last is still known."""
        self._expectation = Expectation(())
        self._watch.expect(self._expectation)

    def judge(self, camera: Camera, frame: Frame, silent: bool) -> list[Alert]:
        """Take a scored frame; ``silent``: of which a stream said nothing that should have."""
        changes = self._blindness.follow(frame.at_s, silent=silent)
        return [self._alert_of(camera, change) for change in changes]

    @property
    def told(self) -> OpenCondition | None:
        """What keeps anomalies from being told at present: the oldest."""
        found = [alert for kind, alert in self.alerts.items() if kind not in (AlertKind.ANOMALY, AlertKind.OFFLINE)]
        if not found:
            return None
        first = min(found, key=lambda alert: alert.started_at_ms)
        return OpenCondition(kind=first.kind, since_ms=first.started_at_ms, detail=first.detail)

    def listen(self, camera: Camera, heard: CaptureObservation, offline_after_s: float) -> list[Alert]:
        """Take a look at the camera's capture; what is to be said of its picture ends with its frames."""
        change = self._silence.hear(camera, heard, offline_after_s)
        if change is None:
            lost = self._silence.open is None and AlertKind.OFFLINE in self.alerts  # its state could not be read
            return [self._closed(AlertKind.OFFLINE, heard.at_ms)] if lost else []
        closed = self._finish_all() if change.ended_ms is None else []
        return [*closed, self._offline_alert(camera, change)]

    def finish_picture(self) -> list[Alert]:
        """No more frames for now: close what is open of the picture."""
        ended = {AlertKind(closed.kind.value): self._ended_ms(closed) for closed in self._watch.finish()}
        left = [kind for kind in _OF_PICTURE if kind in self.alerts]
        return [self._closed(kind, ended.get(kind, self.alerts[kind].opened_at_ms)) for kind in left]

    def finish_scored(self) -> list[Alert]:
        """No frame is scored any more: whether scores would say anything is not known."""
        ended = [self._ended_ms(change) for change in self._blindness.finish()]
        if AlertKind.BLIND not in self.alerts:
            return []
        return [self._closed(AlertKind.BLIND, max([self.alerts[AlertKind.BLIND].opened_at_ms, *ended]))]

    def _finish_all(self) -> list[Alert]:
        return self.finish_picture() + self.finish_scored()

    def finish(self, now_ms: int) -> list[Alert]:
        """The camera is watched no more: close everything."""
        closed = self._finish_all()
        if self._silence.close(now_ms) and AlertKind.OFFLINE in self.alerts:
            closed.append(self._closed(AlertKind.OFFLINE, now_ms))
        return closed

    def _alert_of(self, camera: Camera, change: Condition) -> Alert:
        kind = AlertKind(change.kind.value)
        if change.ended_s is not None and kind in self.alerts:
            return self._closed(kind, self._ended_ms(change), _LEARNT if change.learnt else None)
        started_ms, opened_ms = (self.wall_ms(at_s, change.started_s) for at_s in (change.started_s, change.opened_s))
        return self._opened(camera, kind, started_ms, opened_ms, self._says(kind))

    def _ended_ms(self, change: Condition) -> int:
        return self.wall_ms(change.ended_s or 0.0, change.started_s)

    def _says(self, kind: AlertKind) -> str:
        if kind is AlertKind.BLIND:
            return self._blindness.why
        return (self._watch.why if kind is AlertKind.SCENE_CHANGED else "") or _SAYS[kind]

    def _offline_alert(self, camera: Camera, change: Offline) -> Alert:
        if change.ended_ms is not None and AlertKind.OFFLINE in self.alerts:
            return self._closed(AlertKind.OFFLINE, change.ended_ms)
        return self._opened(camera, AlertKind.OFFLINE, change.started_ms, change.opened_ms, change.why)

    def _opened(self, camera: Camera, kind: AlertKind, started_ms: int, opened_ms: int, detail: str) -> Alert:
        alert = Alert(
            id=f"{camera.id}-{kind.value}-{started_ms}", camera_id=camera.id, kind=kind, state=AlertState.OPEN,
            started_at_ms=started_ms, opened_at_ms=opened_ms, peak_at_ms=opened_ms, profile=camera.profile,
            detail=detail,
        )  # fmt: skip
        self.alerts[kind] = alert
        log.warning("%s: %s: %s", camera.id, kind.value, detail)
        return alert

    def _closed(self, kind: AlertKind, ended_ms: int, detail: str | None = None) -> Alert:
        alert = self.alerts.pop(kind)
        log.info("%s: %s is over%s", alert.camera_id, kind.value, f": {detail}" if detail else "")
        update = {"state": AlertState.CLOSED, "ended_at_ms": ended_ms, "detail": detail or alert.detail}
        return alert.model_copy(update=update)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "alerts": [alert.model_dump(mode="json") for alert in self.alerts.values()],
            "watch": self._watch.state(),
            "blindness": self._blindness.state(),
            "silence": self._silence.state(),
            "revision": self._revision,
            "bank": self._bank_id,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Of one that cannot be read the open alerts are kept, to be closed."""
        self.alerts = {(alert := Alert.model_validate(stored)).kind: alert for stored in state["alerts"]}
        try:
            watch, blindness, silence = TamperingDetector(), Blindness(), OfflineDetector()
            watch.restore(state["watch"])
            watch.expect(self._expectation)
            if "blindness" in state:  # unknown to earlier versions
                blindness.restore(state["blindness"])
            silence.restore(state["silence"])
        except _UNREADABLE as error:
            log.warning("the stored conditions of a camera are unreadable (%r): they begin anew", error)
            return
        self._watch, self._blindness, self._silence = watch, blindness, silence
        self._revision = state["revision"]
        self._bank_id = state.get("bank")  # unknown to earlier versions
