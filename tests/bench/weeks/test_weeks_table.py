"""The record of the simulated weeks as the tables of docs/figures.md."""

from __future__ import annotations

import json
from pathlib import Path

from bench.weeks.table import places_table, weeks_table

FIGURES = Path(__file__).parents[3] / "docs" / "figures.md"
DAY = {
    "day": 1, "seen_h": 0.1, "false_alarms": {"infrared": 2}, "a_camera": 1.0, "an_hour": [20.0, 3.55, 63.0],
    "looks": 10, "looks_in_alarm": 2, "share": [0.2, 0.04, 0.51], "cleaner": 0, "cleaner_came": 2,
}  # fmt: skip
RECALL = {"of": 3, "found": 2, "share": [0.667, 0.14, 0.98], "delay_s": 1.4}
WAY = {
    "cameras": 2, "days": [DAY], "false_alarms_by_cause": {"infrared": 2}, "recall": {"fall": RECALL},
    "all_anomalies": RECALL, "scored_after_s": 70.0, "armed_after_h": None, "armed": 0, "memory_mb": 20.0,
    "banks_mb": 25.0, "ms_a_frame": 12.0, "learning_s": 99.0,
}  # fmt: skip


def test_days_and_kinds_have_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "weeks.json"
    assert weeks_table(path) == ""
    record = {
        "profile": "scene", "days": 1, "seeds": [11], "cameras_planned": 3, "budget_a_camera_and_day": 4.0,
        "counted_in": "footage seen",
        "cameras": [{"camera": name, "days": 1, "ways": {"self-arming": {}}} for name in ("yard", "road")],
        "summary": {"self-arming": WAY, "enrolled once": WAY},
    }  # fmt: skip
    path.write_text(json.dumps(record))
    text = weeks_table(path)
    assert "2 of 3 cameras that were planned (yard 1 days, road 1 days)" in text
    assert "| fall: found, median delay | 2 of 3 (67 % [14, 98]), 1.4 s | 2 of 3" in text
    assert "| armed after (median) | never (0 cameras) |" in text
    assert "| 1 | 1 (20 [3.55, 63] an hour seen) | 2 of 10 (20 % [4, 51]) | 0 alerts, 2 visits |" in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("| 1 ") or "day" in line[:6]} == {8}


def test_places_stand_worst_first_beside_what_is_asked_of_them() -> None:
    def place(name: str, found: list[bool], *, within: bool) -> dict[str, object]:
        budget = {"false_alarms": 3, "stated": [0.01, 0.1, 0.5], "within": within}
        way = {"anomalies": [{"found": one} for one in found], "budget": budget, "cleaner_nights": [1, 2]}
        return {"camera": name, "days": 14, "ways": {"self-arming": way}}

    cameras = [place("yard", [True, True], within=True), place("road", [True, False], within=False)]
    [text] = places_table({"cameras": cameras})
    _, _, worst, best = text.splitlines()
    assert worst == "| road, 14 days | 1 of 2 (50 % [3, 97]) | 3 (0.1 [0.01, 0.5]), **not within** | 1, 2 |"
    assert best.startswith("| yard, 14 days | 2 of 2 (100 % [22, 100]) | 3 (0.1 [0.01, 0.5]), within |")


def test_the_page_shows_the_record_that_is_committed() -> None:
    assert weeks_table() in FIGURES.read_text(), "run `python -m bench.table`"
