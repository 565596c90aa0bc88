"""Events of a camera become alert records."""

from __future__ import annotations

import logging

from models.alarms.event_detector import Event
from patchwatch.messages.alert import Alert, AlertChange, AlertRegion, AlertState
from patchwatch.messages.score import Region
from workers.inference.camera_state import CameraState

log = logging.getLogger("patchwatch.inference")
_WORTH_TELLING = 0.05  # a raised peak is told to subscribers in steps of this much; the record always has the latest


def update_alert(session: CameraState, event: Event, region: Region | None) -> tuple[Alert, bool]:
    """The session's alert after a change of its event, and whether subscribers shall hear of it.

    Events are on the camera's own time, alerts on the wall clock, as it was set when they began; only an alert's id
    keeps the former, as it rises.
    ``region``: where the peak was seen, in pixels of the camera's own picture; None keeps the one before. They hear
    of opening, closing, and a peak that rose by a step.
    """
    alert_id = f"{session.camera.id}-{round(event.started_s * 1000)}"
    before = session.alert if session.alert and session.alert.id == alert_id else None
    alert = _raised(session, before or _opened(session, alert_id, event), event, region)
    closed = alert.state is AlertState.CLOSED
    tell = before is None or closed or event.peak_score >= session.told_peak + _WORTH_TELLING
    if tell:
        session.told_peak = event.peak_score
        _log(alert)
    session.alert = None if closed else alert.model_copy(update={"told": alert.told + tell})
    return alert, tell


def _log(alert: Alert) -> None:
    if alert.change is AlertChange.OPEN:
        log.warning("%s: anomaly: score %.2f, threshold %.2f", alert.camera_id, alert.peak_score, alert.threshold)
    elif alert.change is AlertChange.CLOSED:
        log.info("%s: anomaly is over, its peak was %.2f", alert.camera_id, alert.peak_score)


def _opened(session: CameraState, alert_id: str, event: Event) -> Alert:
    bank = session.bank
    return Alert(
        version=1,
        id=alert_id,
        camera_id=session.camera.id,
        state=AlertState.OPEN,
        started_at_ms=session.wall_ms(event.started_s, event.started_s),
        opened_at_ms=session.wall_ms(event.opened_s, event.started_s),
        peak_at_ms=session.wall_ms(event.peak_s, event.started_s),
        peak_score=event.peak_score,
        threshold=session.analyzer.rule.on if session.analyzer else event.peak_score,
        profile=session.camera.profile,
        bank_id=bank.id if bank else "",
        random_weights=bank.random_weights if bank else False,
    )


def _raised(session: CameraState, alert: Alert, event: Event, region: Region | None) -> Alert:
    seen = AlertRegion(x1=region.x1, y1=region.y1, x2=region.x2, y2=region.y2) if region else alert.region
    return alert.model_copy(
        update={
            "state": AlertState.OPEN if event.ended_s is None else AlertState.CLOSED,
            "peak_at_ms": session.wall_ms(event.peak_s, event.started_s),
            "peak_score": event.peak_score,
            "stream": event.stream,
            "region": seen,
            "ended_at_ms": None if event.ended_s is None else session.wall_ms(event.ended_s, event.started_s),
        }
    )
