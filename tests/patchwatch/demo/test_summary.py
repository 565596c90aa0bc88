"""Which alert belongs to which scripted anomaly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from patchwatch.demo.scene.script import Anomaly, AnomalyKind
from patchwatch.demo.summary import Summary, match_alerts

SCRIPT = (Anomaly(70.0, AnomalyKind.RUN), Anomaly(90.0, AnomalyKind.VEHICLE), Anomaly(110.0, AnomalyKind.FALL))
START_MS = 1_700_000_000_000


def alert(alert_id: str, second: float) -> dict[str, Any]:
    opened = datetime.fromtimestamp(START_MS / 1000 + second, UTC).isoformat()
    return {
        "id": alert_id, "state": "closed", "opened": opened, "peak_score": 0.8,
        "threshold": 0.4, "stream": "motion", "region": {"x1": 1, "y1": 2, "x2": 3, "y2": 4},
    }  # fmt: skip


def test_an_alert_during_an_anomaly_is_its_own() -> None:
    played, left = match_alerts(SCRIPT, START_MS, 100.0, [alert("a", 71.5), alert("b", 92.0)])
    assert [(anomaly.kind, anomaly.alert_id, anomaly.opened_after_s) for anomaly in played] == [
        ("run", "a", 1.5),
        ("vehicle", "b", 2.0),
    ]
    assert left == []


def test_an_alert_without_an_anomaly_is_left_over() -> None:
    _, left = match_alerts(SCRIPT, START_MS, 120.0, [alert("early", 30.0), alert("late", 86.0)])
    assert left == ["early", "late"]


def test_a_machine_that_was_too_busy_to_show_all_is_named_as_the_cause() -> None:
    idle, busy = (Summary(80.0, 400, 399, {}, 399, 0.4, [], [], [], [], left_out) for left_out in (0, 12))
    assert not any("busy" in line for line in idle.lines())
    assert any("too busy" in line and "left 12 pictures out" in line for line in busy.lines())


def test_an_anomaly_without_an_alert_is_said_to_have_none() -> None:
    played, _ = match_alerts(SCRIPT, START_MS, 80.0, [])
    summary = Summary(80.0, 400, 399, {}, 399, 0.4, [], [], played, [])
    assert any("run" in line and "NO ALERT" in line for line in summary.lines())


def test_the_lines_name_the_stream_and_the_region() -> None:
    result = alert("a", 71.0)
    played, left = match_alerts(SCRIPT, START_MS, 80.0, [result])
    text = "\n".join(Summary(80.0, 400, 399, {"too_old": 1}, 399, 0.4, [result], ["a"], played, left).lines())
    assert "stream motion in 1,2-3,4" in text
    assert "1 too_old" in text


def test_an_anomaly_during_an_open_alert_is_part_of_it() -> None:
    result = alert("a", 88.0) | {"ended": None}
    played, _ = match_alerts(SCRIPT[1:2], START_MS, 100.0, [result])
    assert (played[0].alert_id, played[0].opened_after_s) == ("a", None)
