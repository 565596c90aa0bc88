from __future__ import annotations

import pytest

from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.alerts.severity import Severity, severity_of


def alert(**fields: object) -> Alert:
    known = {
        "id": "a", "camera_id": "gate", "state": "open", "started_at_ms": 0, "opened_at_ms": 0, "peak_at_ms": 0,
        "peak_score": 0.9, "threshold": 0.7, "profile": "motion",
    }  # fmt: skip
    return Alert.model_validate(known | fields)


@pytest.mark.parametrize(
    ("peak", "threshold", "provisional", "severity"),
    [
        (0.7, 0.7, False, "low"), (0.79, 0.7, False, "low"), (0.81, 0.7, False, "medium"), (0.91, 0.7, False, "high"),
        (1.0, 0.7, True, "medium"), (1.0, 1.0, False, "high"), (0.6, 0.7, False, "low"),
    ],
)  # fmt: skip
def test_of_an_anomaly_the_way_of_its_peak_counts(
    peak: float, threshold: float, provisional: bool, severity: str
) -> None:
    assert severity_of(alert(peak_score=peak, threshold=threshold, provisional=provisional)) == severity


def test_a_camera_that_sees_nothing_is_high_and_what_is_slow_is_low() -> None:
    of = {kind: severity_of(alert(kind=kind)) for kind in AlertKind if kind is not AlertKind.ANOMALY}
    high = {AlertKind.FROZEN, AlertKind.COVERED, AlertKind.SCENE_CHANGED, AlertKind.BLIND, AlertKind.OFFLINE}
    assert {kind for kind, severity in of.items() if severity is Severity.HIGH} == high
    assert {kind for kind, severity in of.items() if severity is Severity.LOW} == {
        AlertKind.DRIFT, AlertKind.LASTING_CHANGE,
    }  # fmt: skip
    assert [severity.rank for severity in Severity] == [0, 1, 2]
