"""``patchwatch top`` shows what needs attention first."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from patchwatch.cli.command_group import single_command
from patchwatch.cli.commands.top import top
from patchwatch.cli.top_table import SCORES_SHOWN, TopTable, sparkline
from patchwatch.rest_client import RestClient


def status(camera: str, health: str = "ok", score: float | None = 0.25, **others: Any) -> dict[str, Any]:
    known = {
        "camera_id": camera, "health": health, "reason": "" if health == "ok" else "the camera cannot be reached",
        "lag_s": 0.12, "last_score": None if score is None else {"score": score}, "capture": {"fps": 9.96},
        "analysis": {"threshold_on": 0.5}, "arming": {"state": "armed"},
    }  # fmt: skip
    return known | others


def drawn(table: TopTable, statuses: list[dict[str, Any]], alerts: list[dict[str, Any]], rows: int = 20) -> list[str]:
    console = Console(width=200, record=True, file=StringIO())
    console.print(table.table(statuses, alerts, rows))
    return console.export_text().splitlines()


def test_open_alerts_and_broken_cameras_come_first() -> None:
    statuses = [status("attic"), status("barn", "offline", None, capture=None, lag_s=None), status("yard", score=0.9)]
    lines = drawn(TopTable(), statuses, [{"camera_id": "yard", "kind": "anomaly"}])
    assert "3 cameras, 2 watched, 1 with an open alert" in lines[0]
    places = {
        camera: number for number, line in enumerate(lines) for camera in ("attic", "barn", "yard") if camera in line
    }
    assert sorted(places, key=places.__getitem__) == ["yard", "barn", "attic"]
    assert "offline: the camera cannot be reached" in lines[places["barn"]]
    assert "anomaly" in lines[places["yard"]]
    assert "10.0" in lines[places["attic"]]


def test_more_cameras_than_lines_are_counted() -> None:
    lines = drawn(TopTable(), [status(f"c{number}") for number in range(9)], [], rows=3)
    assert "the first 3 are shown" in lines[0]
    assert sum("ok, armed" in line for line in lines) == 3


def test_scores_are_remembered_while_the_camera_is_there() -> None:
    table = TopTable()
    for _ in range(SCORES_SHOWN + 5):
        table.table([status("yard", score=1.0)], [], 1)
    assert "█" * SCORES_SHOWN in "\n".join(drawn(table, [status("yard", score=1.0)], []))
    table.table([], [], 1)
    assert "█" * 2 not in "\n".join(drawn(table, [status("yard", score=1.0)], []))


def test_bars_stay_in_range() -> None:
    assert sparkline([-1.0, 0.0, 0.5, 0.999, 1.0, 7.0]) == "▁▁▅███"


def test_once_prints_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/status": {"statuses": [status("yard")]}, "/alerts?state=open&limit=1000": {"alerts": []}}
    monkeypatch.setattr(RestClient, "request", lambda self, method, path, body=None: answers[path])
    command = single_command("top", top)
    assert "yard" in CliRunner().invoke(command, ["--once"], catch_exceptions=False).output
    shown = json.loads(CliRunner().invoke(command, ["--json"], catch_exceptions=False).output)
    assert shown["statuses"][0]["camera_id"] == "yard"
