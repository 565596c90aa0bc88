"""``patchwatch cameras what-if`` asks about one change, and says first what it means."""

from __future__ import annotations

from typing import Any

import pytest
from asked_service import questions
from typer.testing import CliRunner

from patchwatch.cli.commands.cameras import group as cameras
from patchwatch.contract.errors import RejectedError

EVENT = {"started": "2026-11-28T08:00:00.000Z", "peak_score": 0.71, "anomaly": "thing", "alert_id": "gate-1"}
ANSWER = {
    "sentence": "2 alerts fewer in 6.0 h of scores: 5 instead of 7.", "level_before": 0.6, "level_after": 0.7,
    "fewer": [EVENT], "fewer_count": 2, "more": [], "more_count": 0, "judged_from": "2026-11-28T04:00:00.000Z",
    "judged_to": "2026-11-28T10:00:00.000Z", "frames": 108_000, "exact": False, "notes": ["1 score cannot be read"],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return questions(monkeypatch, ANSWER)


def run(*words: str) -> Any:
    return CliRunner().invoke(cameras.app, ["what-if", "gate", *words])


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["--budget", "2"], {"change": "budget", "false_alarms_per_day": 2.0}),
        (["--level", "0.8"], {"change": "level", "on": 0.8}),
        (["--mute", "place", "--mute", "thing"], {"change": "muted", "muted": ["place", "thing"]}),
        (["--unmute"], {"change": "muted", "muted": []}),
        (["--bank", "0a1b2c3d4e5f"], {"change": "bank", "bank_id": "0a1b2c3d4e5f"}),
        (["--no-zones"], {"change": "zones", "zones": []}),
        (["--normal", "gate-1"], {"change": "correction", "kind": "normal", "alert_id": "gate-1"}),
        (
            ["--normal", "gate-1", "--at-this-time"],
            {"change": "correction", "kind": "normal_at_this_time", "alert_id": "gate-1"},
        ),
        (["--undo", "0" * 16], {"change": "undo", "correction_id": "0" * 16}),
    ],
)
def test_one_change_is_asked_about(asked: list[Any], words: list[str], body: Any) -> None:
    assert run(*words).exit_code == 0
    assert asked == [("POST", "/cameras/gate/what-if", body)]


def test_the_time_is_part_of_the_question(asked: list[Any]) -> None:
    run("--budget", "2", "--from", "2026-11-27T08:00:00+01:00", "--to", "2026-11-28")
    assert asked[0][1] == "/cameras/gate/what-if?from=2026-11-27T08%3A00%3A00%2B01%3A00&to=2026-11-28"


def test_the_answer_begins_with_what_it_means(asked: list[Any]) -> None:
    lines = run("--budget", "2").stdout.splitlines()
    assert lines[0] == ANSWER["sentence"]
    assert lines[1] == "alerts open above 0.700 instead of 0.600"
    assert lines[2] == "would be gone:"
    assert lines[3].endswith("peak 0.71, thing  gate-1")
    assert lines[4:] == ["  and 1 older ones", lines[5], "note: 1 score cannot be read"]
    assert "108000 frames" in lines[5]
    assert '"fewer_count": 2' in run("--budget", "2", "--json").stdout


@pytest.mark.parametrize("words", [(), ("--budget", "2", "--level", "0.8"), ("--mute", "place", "--unmute")])
def test_no_change_and_two_changes_are_refused(asked: list[Any], words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, RejectedError)
    assert asked == []
