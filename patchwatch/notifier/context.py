"""What a message may be made of: the names that a template knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from patchwatch.contract.redaction import one_line
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.alerts.channel import NoticeKind
from patchwatch.messages.alerts.hours import zone
from patchwatch.messages.alerts.incident import Incident, IncidentAlert
from patchwatch.messages.alerts.severity import Severity, severity_of
from patchwatch.messages.anomaly_kind import AnomalyKind

_LONGEST_NAME = 120
_NO_LINKS: dict[str, str | None] = {"link": None, "picture": None, "clip": None}
_WORDS = {
    AlertKind.FROZEN: "picture is frozen",
    AlertKind.COVERED: "camera is covered",
    AlertKind.SCENE_CHANGED: "view has changed",
    AlertKind.BLIND: "nothing can be seen",
    AlertKind.SHAKING: "camera shakes",
    AlertKind.FLICKERING: "picture flickers",
    AlertKind.OFFLINE: "camera is offline",
    AlertKind.DRIFT: "normal has drifted",
    AlertKind.LASTING_CHANGE: "the scene has changed for good",
    AlertKind.ABSENCE: "something usual is missing",
}
_ANOMALIES = {
    AnomalyKind.BEHAVIOUR: "unusual behaviour",
    AnomalyKind.PLACE: "something unusual in its place",
    AnomalyKind.THING: "an unusual thing",
}


def words_of(alert: Alert) -> str:
    """The kind of an alert, as a person says it."""
    if alert.kind is AlertKind.ANOMALY:
        return _ANOMALIES[alert.anomaly] if alert.anomaly else "something unusual"
    return _WORDS[alert.kind]


def incident_context(
    notice: NoticeKind,
    incident: Incident,
    names: Mapping[str, str],
    time_zone: str,
    links: Mapping[str, str],
    sentences: Mapping[str, str],
) -> dict[str, Any]:
    """``names``: of cameras, by id. ``links``: to the alert on the page, its picture and its clip, where the public
    address is known. ``sentences``: generated ones, by the id of the alert, as far as they are written."""
    alerts = [
        _alert(member, names, time_zone) | {"generated": sentences.get(member.alert.id, "")}
        for member in incident.alerts
    ]
    worst = max((severity_of(member.alert) for member in incident.alerts), key=lambda one: one.rank)
    return {
        "notice": notice.value, "alerts": alerts, "more": len(incident.also), **_NO_LINKS, **links,
        "cameras": list(dict.fromkeys(alert["camera"] for alert in alerts)), "severity": worst.value,
        "updates": sum(member.updates for member in incident.alerts),
    }  # fmt: skip


def trial_context() -> dict[str, Any]:
    """Of a test."""
    return {
        "notice": NoticeKind.TEST.value, "alerts": [], "more": 0, **_NO_LINKS, "cameras": [],
        "severity": Severity.LOW.value, "updates": 0,
    }  # fmt: skip


def sample_context() -> dict[str, Any]:
    """Of an alert that a template is checked with."""
    alert = {
        "id": "gate-1795422600250", "camera_id": "gate", "camera": "Gate", "kind": "anomaly",
        "words": "something unusual", "severity": "high", "state": "open",
        "started": "2026-11-23 09:30:00", "peak_score": 0.97, "anomaly": "place",
        "zones": ["porch"], "detail": "", "updates": 0, "lasted_s": 12, "provisional": False,
        "generated": "A person is lying in front of the gate.",
    }  # fmt: skip
    links = {name: f"https://home.example/{name}" for name in _NO_LINKS}
    return trial_context() | links | {
        "notice": NoticeKind.ALERT.value, "alerts": [alert], "cameras": ["Gate"], "severity": "high",
    }  # fmt: skip


def _alert(member: IncidentAlert, names: Mapping[str, str], time_zone: str) -> dict[str, Any]:
    alert = member.alert
    ended = alert.ended_at_ms
    return {
        "id": alert.id, "camera_id": alert.camera_id,
        "camera": one_line(names.get(alert.camera_id, alert.camera_id), _LONGEST_NAME),
        "kind": alert.kind.value, "words": words_of(alert), "severity": severity_of(alert).value,
        "state": alert.state.value, "started": _local(alert.started_at_ms, time_zone), "peak_score": alert.peak_score,
        "anomaly": alert.anomaly.value if alert.anomaly else None,
        "zones": [one_line(name, _LONGEST_NAME) for name in alert.zones], "detail": alert.detail,
        "updates": member.updates, "provisional": alert.provisional,
        "lasted_s": None if ended is None else max(0, round((ended - alert.started_at_ms) / 1000)),
    }  # fmt: skip


def _local(at_ms: int, time_zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone(time_zone)).strftime("%Y-%m-%d %H:%M:%S")
