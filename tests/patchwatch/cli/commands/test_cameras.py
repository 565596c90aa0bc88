"""``patchwatch cameras`` asks the service for what was typed, and shows the answer."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands import cameras
from patchwatch.contract.errors import RejectedError
from service.schemas.camera import CameraChange

Asked = list[tuple[str, str, Any]]


def threshold(per_day: float, on: float, **others: Any) -> dict[str, Any]:
    known = {
        "false_alarms_per_day": per_day, "on": on, "off": 0.75 * on, "on_low": 0.1, "on_high": 0.9, "expected": per_day,
        "expected_low": per_day / 4, "expected_high": per_day * 4, "footage_hours": 0.2, "extrapolation": 5.0,
        "supported": True,
    }  # fmt: skip
    return known | others


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A service that knows one camera."""
    questions: Asked = []
    few = threshold(1.0, 0.6, supported=False, expected=4.0, warning="enrol more")

    def answer(settings: object, api: object, method: str, path: str, body: Any = None) -> Any:
        questions.append((method, path, body))
        if path.endswith("/thresholds"):
            return {"camera_id": "gate", "threshold": few, "thresholds": [threshold(24.0, 0.4), few]}
        return {"id": "gate", "profile": "motion", "source": "push:", "enabled": True} | (body or {})

    monkeypatch.setattr(cameras, "ask", answer)
    return questions


def run(*words: str) -> Any:
    return CliRunner().invoke(cameras.app, list(words))


def test_a_camera_is_added_with_its_alarm_budget(asked: Asked) -> None:
    assert "2 false alarms a day" in run("add", "gate", "--false-alarms-per-day", "2").stdout
    [(method, path, body)] = asked
    assert (method, path, body["false_alarms_per_day"]) == ("POST", "/cameras", 2.0)


def test_the_budget_is_set_and_taken_back(asked: Asked) -> None:
    assert run("set", "gate", "--false-alarms-per-day", "0.5").exit_code == 0
    assert run("set", "gate", "--default-budget").exit_code == 0
    assert [body for _, _, body in asked] == [{"false_alarms_per_day": 0.5}, {"false_alarms_per_day": None}]


@pytest.mark.parametrize("words", [(), ("--default-budget", "--false-alarms-per-day", "1")])
def test_a_change_that_says_nothing_or_two_things_is_refused(asked: Asked, words: tuple[str, ...]) -> None:
    assert isinstance(run("set", "gate", *words).exception, RejectedError)
    assert asked == []


def test_thresholds_are_shown_with_what_other_budgets_mean(asked: Asked) -> None:
    first, warning, _, head, many, few = run("thresholds", "gate").stdout.splitlines()
    assert first == (
        "an alert opens above a score of 0.600 and closes below 0.450: about 4 (0.25 to 4) false alarms a day, "
        "no more than a guess from 12.0 min of footage"
    )
    assert warning == "WARNING: enrol more"
    assert head.split() == ["budget", "per", "day", "alerts", "above", "expected", "per", "day"]
    assert many.split() == ["24", "0.400", "about", "24", "(6", "to", "96)"]
    assert few.endswith("too little footage")


def test_all_that_the_api_can_change_can_be_set(asked: Asked) -> None:
    words = (
        "--fps",
        "2",
        "--profile",
        "objects",
        "--transport",
        "udp",
        "--pace",
        "fast",
        "--no-loop",
        "--name",
        "G",
    )
    assert run("set", "gate", "--source", "rtsp://10.0.0.7/stream1", *words).exit_code == 0
    [(method, path, body)] = asked
    assert (method, path) == ("PATCH", "/cameras/gate")
    assert body == {
        "source": "rtsp://10.0.0.7/stream1", "analysis_fps": 2.0, "profile": "objects", "transport": "udp",
        "pace": "fast", "loop": False, "name": "G",
    }  # fmt: skip


def test_trust_in_a_certificate_can_be_set_and_taken_back(asked: Asked) -> None:
    assert run("set", "gate", "--tls-fingerprint", "ab" * 32, "--no-tls-verify").exit_code == 0
    assert run("set", "gate", "--no-tls-fingerprint", "--tls-verify").exit_code == 0
    assert [body for _, _, body in asked] == [
        {"tls_fingerprint": "ab" * 32, "tls_verify": False},
        {"tls_fingerprint": None, "tls_verify": True},
    ]


@pytest.mark.parametrize("field", sorted(CameraChange.model_fields.keys() - {"enabled"}))
def test_each_field_has_an_option(field: str) -> None:
    assert field in {"source", "analysis_fps"} or f"--{field.replace('_', '-')}" in run("set", "--help").output


def test_a_source_and_a_publishers_password_are_read_from_standard_input(asked: Asked) -> None:
    words = ["set", "gate", "--source", "-", "--publish-username", "cam", "--publish-password-stdin"]
    done = CliRunner().invoke(cameras.app, words, input="rtsp://u:hunter2@h/x\nhunter3\n")
    assert done.exit_code == 0, done.output
    [(_, _, body)] = asked
    assert (body["source"], body["publish_password"]) == ("rtsp://u:hunter2@h/x", "hunter3")


def test_the_rate_goes_back_to_the_installations(asked: Asked) -> None:
    assert run("set", "gate", "--default-fps").exit_code == 0
    assert [body for _, _, body in asked] == [{"analysis_fps": None}]
    assert isinstance(run("set", "gate", "--default-fps", "--fps", "2").exception, RejectedError)
