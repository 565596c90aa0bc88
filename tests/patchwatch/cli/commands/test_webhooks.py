"""``patchwatch webhooks`` asks the service for what was typed, and shows the answer."""

from __future__ import annotations

import json
from copy import copy
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands.alerts import webhooks
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.rest_client import RestClient
from service.schemas.alerts.webhook import WebhookChange

Asked = list[tuple[str, str, Any]]
SHOWN = {
    "id": "home", "url": "http://***@10.0.0.5/x", "delivered": 3, "pending": 1, "dead_letters": 2, "health": "failing",
    "reason": "HTTP 503", "cameras": ["gate"], "kinds": [], "states": ["open"],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A service that knows one webhook."""
    questions: Asked = []
    letter = {
        "id": "5-0", "died": "2026-11-23T08:30:00.250Z", "reason": "HTTP 404", "attempts": 1,
        "alert": {"id": "gate-1", "state": "open"},
    }  # fmt: skip
    answers = {
        "/webhooks": SHOWN | {"secret": "whsec_x", "webhooks": [SHOWN]},
        "/webhooks/home/secret": {"secret": "whsec_y"},
        "/webhooks/home/test": {"delivered": False, "detail": "HTTP 404"},
        "/webhooks/home/dead?limit=1000": {"dead_letters": [letter]},
        "/webhooks/home/dead/retry": {"queued": 2},
    }

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        questions.append((method, path, body))
        return copy(answers.get(path, SHOWN))

    monkeypatch.setattr(RestClient, "request", answer)
    return questions


def run(*words: str, stdin: str = "") -> Any:
    return CliRunner().invoke(webhooks.app, list(words), input=stdin)


def test_a_webhook_is_added_with_its_filters_and_its_secret_is_shown(asked: Asked) -> None:
    filters = ["--camera", "gate", "--camera", "yard", "--kind", "anomaly", "--state", "open"]
    done = run("add", "home", "-", *filters, "--secret-stdin", stdin="http://u:p@h/x\nwhsec_x\n")
    body = {
        "id": "home", "url": "http://u:p@h/x", "secret": "whsec_x", "cameras": ["gate", "yard"], "kinds": ["anomaly"],
        "states": ["open"],
    }  # fmt: skip
    assert asked == [("POST", "/webhooks", body)]
    assert done.stdout.splitlines()[-1] == "secret: whsec_x"


def test_the_list_says_what_fails(asked: Asked) -> None:
    assert "3 delivered, 1 pending, 2 dead  failing: HTTP 503" in run("list").stdout


def test_the_list_says_what_a_webhook_is_for(asked: Asked) -> None:
    assert "http://***@10.0.0.5/x  only gate, open  3 delivered" in run("list").stdout


def test_a_webhook_is_changed(asked: Asked) -> None:
    assert run("update", "home", "--camera", "gate", "--disable").exit_code == 0
    assert run("update", "home", "--all", "--enable").exit_code == 0
    assert [body for _, _, body in asked] == [
        {"cameras": ["gate"], "enabled": False},
        {"cameras": [], "kinds": [], "states": [], "enabled": True},
    ]


def test_a_new_secret_is_shown(asked: Asked) -> None:
    assert run("update", "home", "--new-secret").stdout.splitlines()[-1] == "secret: whsec_y"
    assert asked[-1][:2] == ("POST", "/webhooks/home/secret")


@pytest.mark.parametrize("words", [(), ("--all", "--camera", "gate"), ("--new-secret", "--secret-stdin")])
def test_a_change_that_says_nothing_or_two_things_is_refused(asked: Asked, words: tuple[str, ...]) -> None:
    assert isinstance(run("update", "home", *words, stdin="x\n").exception, RejectedError)
    assert asked == []


def test_a_failed_test_is_an_error(asked: Asked) -> None:
    failed = run("test", "home").exception
    assert isinstance(failed, RetryableError)
    assert "HTTP 404" in str(failed)


def test_dead_letters_are_listed_and_sent_again(asked: Asked) -> None:
    row = ["5-0", "2026-11-23T08:30:00.250Z", "gate-1", "open", "1", "attempts", "HTTP", "404"]
    assert run("dead-letters", "home").stdout.split() == run("dead", "home").stdout.split() == row
    assert run("retry", "home").exit_code == run("retry", "home", "5-0").exit_code == 0
    assert [body for _, path, body in asked if path.endswith("retry")] == [{}, {"ids": ["5-0"]}]


def test_a_webhook_is_removed(asked: Asked) -> None:
    assert run("remove", "home").exit_code == 0
    assert asked == [("DELETE", "/webhooks/home", None)]


def test_a_webhook_is_switched_on_and_off(asked: Asked) -> None:
    assert run("enable", "home").exit_code == run("disable", "home").exit_code == 0
    assert [body for _, _, body in asked] == [{"enabled": True}, {"enabled": False}]


OPTIONS = {
    "cameras": "--camera", "kinds": "--kind", "states": "--state", "enabled": "--enable", "secret": "--secret-stdin",
}  # fmt: skip


@pytest.mark.parametrize("field", sorted(WebhookChange.model_fields))
def test_each_field_has_an_option(field: str) -> None:
    assert OPTIONS.get(field, f"--{field}") in run("update", "--help").output


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("remove", "home"), {"id": "home", "removed": True}),
        (("test", "home"), {"delivered": False, "detail": "HTTP 404"}),
        (("retry", "home"), {"queued": 2}),
    ],
)
def test_what_a_command_did_is_printed_as_json(asked: Asked, words: tuple[str, ...], answer: dict[str, Any]) -> None:
    assert json.loads(run(*words, "--json").stdout) == answer
