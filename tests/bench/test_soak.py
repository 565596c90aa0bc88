"""How the soak judges which alerts belong to which anomaly."""

from __future__ import annotations

from typing import Any

from bench.soak import Anomaly, Diary, alerted


class Feed:
    """Alerts of camera ``gate`` that opened so many seconds after the epoch."""

    def __init__(self, *opened_s: int) -> None:
        self.messages = [_message(at_s) for at_s in opened_s]


def _message(at_s: int) -> dict[str, Any]:
    started = f"1970-01-01T00:{at_s // 60:02}:{at_s % 60:02}.000Z"
    return {"alert": {"id": f"gate-{at_s}", "camera_id": "gate", "kind": "anomaly", "started": started}}


def judged(*opened_s: int) -> dict[str, Any]:
    """An anomaly at 100 to 103 s, and a fault until 50 s."""
    return alerted(Diary(anomalies=[Anomaly("gate", 100.0, 103.0)], disturbed=[(0.0, 50.0)]), Feed(*opened_s))  # type: ignore[arg-type]


def test_an_anomaly_alerted_once_is_all_right() -> None:
    result = judged(101)
    assert (result["missed"], result["repeated"], result["after_a_fault"], result["unfounded"]) == ([], [], [], [])


def test_an_anomaly_without_an_alert_is_missed_and_one_with_two_repeated() -> None:
    assert len(judged()["missed"]) == 1
    assert len(judged(100, 102)["repeated"]) == 1


def test_an_alert_besides_is_unfounded_unless_a_fault_was_going_on() -> None:
    result = judged(20, 80, 101)
    assert (result["after_a_fault"], result["unfounded"]) == (["gate-20"], ["gate-80"])
