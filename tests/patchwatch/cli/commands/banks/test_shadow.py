"""``patchwatch banks shadow`` asks the service, and says first what the comparison means."""

from __future__ import annotations

from typing import Any

import pytest
from asked_service import questions
from typer.testing import CliRunner

from patchwatch.cli.commands.banks.group import app

ALERT = {"id": "gate-1", "started": "2026-11-28T08:00:00.000Z", "peak_score": 0.8, "anomaly": "thing"}
ANSWER = {
    "bank_id": "b" * 12, "active_bank_id": "a" * 12, "sentence": "1 alert fewer: 1 instead of 2.", "frames": 100,
    "since": "2026-11-28T08:00:00.000Z", "until": "2026-12-05T08:00:00.000Z", "ms_per_frame": 0.25,
    "reason": "it ended", "only_active": [ALERT], "only_shadow": [],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return questions(monkeypatch, ANSWER)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["shadow", *words])


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["start", "--days", "2"], ("POST", "", {"days": 2.0})),
        (["start"], ("POST", "", {"days": 7.0})),
        (["show"], ("GET", "", None)),
        (["swap"], ("POST", "/swap", None)),
    ],
)
def test_it_asks_the_service(asked: list[Any], words: list[str], question: tuple[str, str, Any]) -> None:
    lines = run(words[0], "gate", "b" * 12, *words[1:]).stdout.splitlines()
    method, end, body = question
    assert asked == [(method, f"/cameras/gate/banks/{'b' * 12}/shadow{end}", body)]
    assert lines[0] == ANSWER["sentence"]
    assert lines[1].endswith("100 frames, 0.25 ms each")
    assert lines[2:4] == ["not scored at present: it ended", "alerts of the camera alone:"]
    assert lines[4].endswith("peak 0.80, thing  gate-1")


def test_it_is_stopped(asked: list[Any]) -> None:
    assert "not in the shadow of gate" in run("stop", "gate", "b" * 12).output
    assert asked[0][0] == "DELETE"
