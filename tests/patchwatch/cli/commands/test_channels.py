"""``patchwatch channels`` asks the service for what was typed, and shows the answer."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands.alerts import channels
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.rest_client import RestClient
from service.schemas.alerts.channel import ChannelChange

Asked = list[tuple[str, str, Any]]
SHOWN = {
    "id": "phone", "url": "ntfy://***", "delivered": 3, "waiting": 1, "dead": 2, "health": "failing",
    "reason": "HTTP 401", "cameras": ["gate"], "kinds": [], "least_severity": "high", "after_minutes": 5,
    "hours": {"begin": "22:00", "end": "06:00", "days": []}, "time_zone": "Europe/Berlin",
    "until": "2026-11-24T00:00:00.000Z",
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A service that knows one channel."""
    questions: Asked = []
    record = {
        "t": "2026-11-23T08:30:00.250Z", "notice": "alert", "outcome": "failed", "attempt": 2, "title": "Gate",
        "answer": "HTTP 401",
    }  # fmt: skip
    answers = {
        "/channels": SHOWN | {"channels": [SHOWN]},
        "/channels/phone/test": {"delivered": False, "detail": "HTTP 401"},
        "/channels/phone/log?limit=20": {"records": [record]},
        "/mutes": {"mutes": [{"camera_id": None, "until": "2026-11-24T00:00:00.000Z"}]},
    }

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        questions.append((method, path, body))
        return answers.get(path, SHOWN)

    monkeypatch.setattr(RestClient, "request", answer)
    return questions


def run(*words: str, stdin: str = "") -> Any:
    return CliRunner().invoke(channels.app, list(words), input=stdin)


def test_a_channel_is_added_with_its_filters(asked: Asked) -> None:
    words = ["--camera", "gate", "--kind", "anomaly", "--least-severity", "high", "--hours", "22:00-06:00"]
    more = ["--day", "sat", "--time-zone", "Europe/Berlin", "--after-minutes", "5", "--over", "--no-picture"]
    done = run("add", "phone", "-", *words, *more, stdin="ntfy://u:p@h/x\n")
    [(method, path, body)] = asked
    assert (method, path, body["url"]) == ("POST", "/channels", "ntfy://u:p@h/x")
    assert body["hours"] == {"begin": "22:00", "end": "06:00", "days": ["sat"]}
    assert (body["over"], body["picture"], body["after_minutes"]) == (True, False, 5)
    assert ChannelChange.model_validate({name: value for name, value in body.items() if name != "id"})
    assert done.stdout == (
        "phone                ntfy://***  only gate, high severity, 22:00-06:00 Europe/Berlin, unreviewed after 5 min  "
        "3 sent, 1 waiting, 2 given up  failing: HTTP 401\n"
    )


def test_a_change_sends_what_was_given_and_nothing_else(asked: Asked) -> None:
    run("update", "phone", "--hours", "always", "--after-minutes", "0", "--disable")
    assert asked == [("PATCH", "/channels/phone", {"hours": None, "after_minutes": None, "enabled": False})]
    assert isinstance(run("update", "phone").exception, RejectedError)
    assert isinstance(run("update", "phone", "--hours", "night").exception, RejectedError)
    assert isinstance(run("update", "phone", "--all", "--camera", "gate").exception, RejectedError)


def test_what_frigate_calls_cameras_is_given_in_pairs(asked: Asked) -> None:
    assert run("update", "nvr", "--camera-name", "gate=front_gate", "--camera-name", "yard=back").exit_code == 0
    assert asked == [("PATCH", "/channels/nvr", {"camera_names": {"gate": "front_gate", "yard": "back"}})]
    assert ChannelChange.model_validate(asked[0][2])
    refused = run("update", "nvr", "--camera-name", "gate").exception
    assert isinstance(refused, RejectedError)
    assert "like gate=front_gate" in str(refused)


def test_a_test_that_fails_says_why(asked: Asked) -> None:
    failed = run("test", "phone")
    assert isinstance(failed.exception, RetryableError)
    assert str(failed.exception) == "phone did not take the test: HTTP 401"


def test_the_log_and_what_is_muted_are_one_line_each(asked: Asked) -> None:
    assert run("log", "phone").stdout == "2026-11-23T08:30:00.250Z  alert failed (attempt 2)     Gate: HTTP 401\n"
    assert run("mutes").stdout == "all cameras          until 2026-11-24T00:00:00.000Z\n"
    assert run("list").stdout.startswith("phone ")
    assert "url             ntfy://***\n" in run("show", "phone").stdout


def test_cameras_are_muted_and_heard_again(asked: Asked) -> None:
    run("mute", "--camera", "gate")
    run("mute", "--until-tomorrow", "--time-zone", "Europe/Berlin")
    run("unmute", "--camera", "gate")
    run("unmute")
    run("remove", "phone")
    assert asked == [
        ("PUT", "/cameras/gate/mute", {"minutes": 60}),
        ("PUT", "/mute", {"until": "tomorrow", "time_zone": "Europe/Berlin"}),
        ("DELETE", "/cameras/gate/mute", None), ("DELETE", "/mute", None), ("DELETE", "/channels/phone", None),
    ]  # fmt: skip
    assert isinstance(run("mute", "--minutes", "5", "--until-tomorrow").exception, RejectedError)
