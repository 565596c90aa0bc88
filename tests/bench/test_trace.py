"""A trace tells an ordinary frame's way from what an alert adds to it."""

from __future__ import annotations

from pathlib import Path

from bench.trace import Call, Film, Leg, keep

FILM = Film(from_ns=0, rush_ns=50, to_ns=100, idle_from_ns=200, frames=5, alerts=["anomaly closed"])


def way(number: int) -> list[Call]:
    """Of a frame; the fourth raises an alert."""
    alert = [(2, number * 20 + 2, "alert.py:open:1")] if number == 3 else []
    return [(1, number * 20, "worker.py:turn:1"), (2, number * 20 + 1, "score.py:score:1"), *alert]


def test_what_an_alert_adds_is_counted_apart() -> None:
    leg = Leg.of([call for number in range(5) for call in way(number)], FILM).as_json()
    assert (leg["ordinary_files"], leg["files"]) == (2, 3)
    assert leg["entered_later"] == {"alert.py": ["open"]}
    assert (leg["python_calls_per_frame"], leg["most_python_calls_of_a_frame"]) == (2.0, 3.0)


def test_a_run_takes_the_place_of_its_own_alone(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    for profile, label in (("motion", ""), ("scene", ""), ("motion", "now"), ("motion", "")):
        keep({"label": label, "profile": profile}, path)
    assert path.read_text().count('"profile"') == 3
