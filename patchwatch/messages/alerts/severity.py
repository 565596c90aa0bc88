"""How serious an alert is, as far as the alert itself says: computed wherever it is asked for, and not stored."""

from __future__ import annotations

from enum import StrEnum

from patchwatch.messages.alerts.alert import Alert, AlertKind

_MEDIUM_FROM, _HIGH_FROM = 1 / 3, 2 / 3  # of the way from the threshold to the highest score


class Severity(StrEnum):
    """In rising order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


_OF_CONDITIONS = {
    AlertKind.FROZEN: Severity.HIGH,
    AlertKind.COVERED: Severity.HIGH,
    AlertKind.SCENE_CHANGED: Severity.HIGH,
    AlertKind.BLIND: Severity.HIGH,
    AlertKind.OFFLINE: Severity.HIGH,
    AlertKind.SHAKING: Severity.MEDIUM,
    AlertKind.FLICKERING: Severity.MEDIUM,
    AlertKind.ABSENCE: Severity.MEDIUM,
    AlertKind.DRIFT: Severity.LOW,
    AlertKind.LASTING_CHANGE: Severity.LOW,
}


def severity_of(alert: Alert) -> Severity:
    """Of an anomaly: how far its peak lies between the threshold and 1, in thirds; at most medium while little is known
    of the camera's normal. Of the other kinds: high where nothing can be seen any more, medium where the picture is
    disturbed or something usual is missing, low for a drift or a lasting change."""
    if alert.kind is AlertKind.ANOMALY:
        return _of_peak(alert)
    return _OF_CONDITIONS[alert.kind]


def _of_peak(alert: Alert) -> Severity:
    peak, threshold = alert.peak_score or 0.0, alert.threshold or 0.0
    way = (peak - threshold) / (1 - threshold) if threshold < 1 else 1.0
    if way < _MEDIUM_FROM:
        return Severity.LOW
    return Severity.MEDIUM if way < _HIGH_FROM or alert.provisional else Severity.HIGH
