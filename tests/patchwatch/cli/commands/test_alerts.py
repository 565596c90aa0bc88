"""``patchwatch alerts`` lists what the filters select, over as many answers as that takes, and shows one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from patchwatch.cli.commands.alerts.alerts import app
from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient

ALERT = {
    "id": "gate-1", "camera_id": "gate", "kind": "anomaly", "state": "closed", "started": "2026-11-23T08:30:00.250Z",
    "peak_score": 0.9712, "threshold": 0.62, "region": {"x1": 1, "y1": 2, "x2": 30, "y2": 40}, "detail": "",
    "ended": None,
}  # fmt: skip
VERDICT = {"verdict": "normal", "note": "the cleaner", "by": "operator", "at": "2026-11-23T09:00:00.000Z"}
OFFLINE = ALERT | {"id": "gate-2", "kind": "offline", "peak_score": None, "detail": "no frames since 08:12"}


@pytest.fixture
def sent() -> list[tuple[str, str, Any]]:
    """Verdicts sent to the service: method, path, body."""
    return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[str, str, Any]]) -> list[str]:
    """Paths asked of a service that gives one alert an answer."""
    paths: list[str] = []

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        paths.append(path)
        if path.endswith("/verdict"):
            sent.append((method, path, body))
            verdict = None if method == "DELETE" else VERDICT | body
            return ALERT | {"verdict": verdict, "reviewed": method == "PUT", "effect": "no score changes"}
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
    judged = ("--unreviewed", "--verdict", "normal", "--verdict", "unsure")
    assert run("list", *words, *judged, "--from", "2026-11-23T08:00:00+01:00").exit_code == 0
    assert run("list", "--day", "2026-11-23", "--limit", "1").exit_code == 0
    assert parse_qs(urlsplit(asked[0]).query) == {
        "camera": ["gate", "yard"], "kind": ["offline"], "state": ["open"], "limit": ["1"],
        "from": ["2026-11-23T08:00:00+01:00"], "reviewed": ["false"], "verdict": ["normal", "unsure"],
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


@pytest.mark.parametrize(("command", "verdict"), [("confirm", "anomaly"), ("normal", "normal"), ("unsure", "unsure")])
def test_a_verdict_is_given_with_a_note(
    asked: list[str], sent: list[tuple[str, str, Any]], command: str, verdict: str
) -> None:
    words = run(command, "gate-1", "--note", "the cleaner").stdout
    assert words.startswith("gate-1 is reviewed: ")
    assert words.endswith("(the cleaner)\n")
    assert sent == [("PUT", "/alerts/gate-1/verdict", {"verdict": verdict, "note": "the cleaner"})]
    assert json.loads(run(command, "gate-1", "--json").stdout)["verdict"]["verdict"] == verdict


@pytest.mark.parametrize(("option", "more"), [("--at-this-time", {}), ("--weekly", {"weekly": True})])
def test_normal_at_this_time_and_what_it_does(
    asked: list[str], sent: list[tuple[str, str, Any]], option: str, more: dict[str, bool]
) -> None:
    answer = run("normal", "gate-1", option)
    assert answer.stdout == "gate-1 is reviewed: normal at this time\n"
    assert answer.stderr == "no score changes\n"
    assert sent[0][2] == {"verdict": "normal_at_this_time", "note": "", **more}


def test_a_verdict_is_taken_back(asked: list[str], sent: list[tuple[str, str, Any]]) -> None:
    assert run("undo", "gate-1").stdout == "gate-1 has no verdict any more\n"
    assert sent == [("DELETE", "/alerts/gate-1/verdict", None)]
    assert json.loads(run("undo", "gate-1", "--json").stdout)["reviewed"] is False


def test_an_id_leads_to_no_other_path(asked: list[str], sent: list[tuple[str, str, Any]]) -> None:
    run("undo", "../cameras?x=")
    assert sent == [("DELETE", "/alerts/..%2Fcameras%3Fx%3D/verdict", None)]


def test_a_verdict_is_listed_and_shown(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed = ALERT | {"verdict": VERDICT, "reviewed": True}
    monkeypatch.setattr(
        RestClient, "request", lambda *words: reviewed if "gate-1" in words[2] else {"alerts": [reviewed], "next": None}
    )
    assert run("list").stdout.endswith("normal here (the cleaner)\n")
    assert (
        "verdict         normal here (the cleaner), by operator at 2026-11-23T09:00:00.000Z"
        in run("show", "gate-1").stdout
    )


def test_evidence_is_shown_kept_and_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []
    part = {"name": "clip.mp4", "bytes": 5, "sha256": "ab" * 32}
    shown = {
        "alert_id": "gate-1", "state": "ready", "reason": "a note", "keep": True, "manifest_sha256": "cd" * 32,
        "clip": {"seconds": 13.2, "width": 640, "height": 360}, "parts": [part],
    }  # fmt: skip

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        asked.append((method, path))
        return shown

    def download(client: object, path: str, into: Path) -> None:
        asked.append(("download", path))

    monkeypatch.setattr(RestClient, "request", answer)
    monkeypatch.setattr(RestClient, "download", download)
    result = CliRunner().invoke(app, ["evidence", "gate-1", "--keep", "--into", str(tmp_path / "gate.zip")])
    assert asked == [
        ("PUT", "/alerts/gate-1/evidence/keep"),
        ("GET", "/alerts/gate-1/evidence"),
        ("download", "/alerts/gate-1/evidence.zip"),
    ]
    for words in ("gate-1: ready, kept", "a note", "clip of 13.2 s, 640x360", "clip.mp4", "patchwatch evidence verify"):
        assert words in result.output
