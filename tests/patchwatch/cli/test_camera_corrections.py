"""``patchwatch cameras learn|forget|corrections|undo``."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from patchwatch.cli.commands.cameras.group import app
from patchwatch.rest_client import RestClient

CORRECTION = {
    "id": "00000000000000aa", "kind": "normal_at_this_time", "alert_ids": ["gate-1"], "by": "operator",
    "spans": [{"from": "2026-11-28T22:00:00.000Z", "to": "2026-11-28T22:05:00.000Z"}], "note": "the cleaner",
    "hours": {"from": "21:30", "to": "22:35", "weekday": None}, "at": "2026-11-29T08:00:00.000Z", "in_force": True,
    "undone_by": None, "undone_at": None,
}  # fmt: skip


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """What was sent to a service: method, path, body."""
    requests: list[tuple[str, str, Any]] = []

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        requests.append((method, path, body))
        if path.endswith("/status"):
            return {"analysis": {"corrections": {"in_force": 0, "waiting": 1, "why_waiting": "nothing is remembered"}}}
        if method == "GET":
            undone = CORRECTION | {"in_force": False, "undone_by": "operator", "undone_at": "2026-11-30T08:00:00.000Z"}
            return {"corrections": [CORRECTION, undone | {"hours": None, "note": ""}]}
        return CORRECTION | {"effect": "it takes effect"}

    monkeypatch.setattr(RestClient, "request", answer)
    return requests


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("kind", ["learn", "forget"])
def test_a_stretch_of_time_is_sent_and_what_it_does_is_said(sent: list[tuple[str, str, Any]], kind: str) -> None:
    answer = run(kind, "gate", "2026-11-28T22:00:00Z", "2026-11-28T22:05:00Z", "--note", "deliveries")
    assert answer.stdout == "00000000000000aa: it takes effect\n"
    body = {"kind": kind, "from": "2026-11-28T22:00:00Z", "to": "2026-11-28T22:05:00Z", "note": "deliveries"}
    assert sent == [("POST", "/cameras/gate/corrections", body)]


def test_corrections_are_listed_with_how_much_of_them_counts(sent: list[tuple[str, str, Any]]) -> None:
    answer = run("corrections", "gate")
    first, second = answer.stdout.splitlines()
    assert first == (
        "00000000000000aa  normal at this time, from 21:30 to 22:35 every day: 2026-11-28T22:00:00.000Z to "
        "2026-11-28T22:05:00.000Z, by operator at 2026-11-29T08:00:00.000Z (the cleaner)"
    )
    assert second.endswith(", undone by operator at 2026-11-30T08:00:00.000Z")
    assert answer.stderr == "0 in force, 1 waiting: nothing is remembered\n"


def test_one_is_undone(sent: list[tuple[str, str, Any]]) -> None:
    assert run("undo", "gate", "../x").stdout == "00000000000000aa is undone: it takes effect\n"
    assert sent == [("DELETE", "/cameras/gate/corrections/..%2Fx", None)]
