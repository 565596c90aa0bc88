"""``patchwatch alerts`` lists what the filters select, over as many answers as that takes, and shows one."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from patchwatch.cli.commands.alerts import app
from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient

ALERT = {
    "id": "gate-1", "camera_id": "gate", "kind": "anomaly", "state": "closed", "started": "2026-11-23T08:30:00.250Z",
    "peak_score": 0.9712, "threshold": 0.62, "region": {"x1": 1, "y1": 2, "x2": 30, "y2": 40}, "detail": "",
    "ended": None,
}  # fmt: skip
OFFLINE = ALERT | {"id": "gate-2", "kind": "offline", "peak_score": None, "detail": "no frames since 08:12"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths asked of a service that gives one alert an answer."""
    paths: list[str] = []

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        paths.append(path)
        if path == "/alerts/gate-1":
            return ALERT
        if "before=" in path:
            return {"alerts": [OFFLINE], "next": None}
        return {"alerts": [ALERT], "next": "/cams/api/v1/alerts?limit=1&before=5%3Agate-1"}

    monkeypatch.setattr(RestClient, "request", answer)
    return paths


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_all_pages_are_listed(asked: list[str]) -> None:
    anomaly, offline = run("list").stdout.splitlines()
    assert anomaly.split() == [
        "gate-1", "anomaly", "closed", "2026-11-23T08:30:00.250Z", "score", "0.971,", "alerts", "above", "0.620",
    ]  # fmt: skip
    assert offline.endswith("no frames since 08:12")
    assert parse_qs(urlsplit(asked[1]).query)["before"] == ["5:gate-1"]


def test_the_newest_are_listed_up_to_the_limit(asked: list[str]) -> None:
    assert len(json.loads(run("list", "--limit", "1", "--json").stdout)) == 1
    assert asked == ["/alerts?limit=1"]


def test_every_filter_of_the_api_can_be_given(asked: list[str]) -> None:
    words = ("--camera", "gate", "--camera", "yard", "--kind", "offline", "--state", "open", "--limit", "1")
    assert run("list", *words, "--from", "2026-11-23T08:00:00+01:00").exit_code == 0
    assert run("list", "--day", "2026-11-23", "--limit", "1").exit_code == 0
    assert parse_qs(urlsplit(asked[0]).query) == {
        "camera": ["gate", "yard"], "kind": ["offline"], "state": ["open"], "limit": ["1"],
        "from": ["2026-11-23T08:00:00+01:00"],
    }  # fmt: skip
    assert parse_qs(urlsplit(asked[1]).query) == {"from": ["2026-11-23"], "to": ["2026-11-23"], "limit": ["1"]}


@pytest.mark.parametrize("words", [("--day", "yesterday"), ("--day", "2026-11-23", "--to", "2026-11-24")])
def test_a_day_is_a_day_and_stands_alone(asked: list[str], words: tuple[str, ...]) -> None:
    assert isinstance(run("list", *words).exception, RejectedError)
    assert asked == []


def test_an_alert_is_shown_with_all_its_fields(asked: list[str]) -> None:
    lines = run("show", "gate-1").stdout.splitlines()
    assert "region          x1 1, y1 2, x2 30, y2 40" in lines
    assert not any(line.startswith(("detail", "ended")) for line in lines)
    assert json.loads(run("show", "gate-1", "--json").stdout) == ALERT
