"""``patchwatch users``, ``tokens`` and ``audit``: on Redis itself, with no service and nobody logged in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from people import CHEAP, PASSWORD
from typer.testing import CliRunner

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.cli.app import app
from patchwatch.contract.errors import PatchwatchError
from patchwatch.messages.access.api_token import parse_token
from patchwatch.messages.access.user import User
from patchwatch.messages.cameras.camera import Camera
from service.access import passwords


@pytest.fixture
def bus(bus_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", bus_url)
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    with connect(bus_url) as client:
        client.hset(keys.CAMERAS, "gate", Camera(id="gate").encode())
        yield client


def run(*words: str, stdin: str = "") -> Any:
    """What a command prints as JSON."""
    ended = CliRunner().invoke(app, [*words, "--json"], input=stdin)
    assert ended.exception is None, ended.output
    return json.loads(ended.stdout)


def refusal(*words: str, stdin: str = "") -> str:
    ended = CliRunner().invoke(app, [*words], input=stdin)
    assert isinstance(ended.exception, PatchwatchError), ended.output
    return str(ended.exception)


def test_a_user_is_added_changed_and_removed(bus: Any) -> None:
    assert run("users", "add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")["role"] == "admin"
    assert run("users", "add", "bob", "--camera", "gate", stdin=f"{PASSWORD}\n")["cameras"] == ["gate"]
    assert run("users", "role", "bob", "operator")["role"] == "operator"
    assert run("users", "cameras", "bob", "--all")["cameras"] is None
    before = User.decode(bus.hget(keys.USERS, "bob"))
    run("users", "password", "bob", stdin="another long password\n")
    after = User.decode(bus.hget(keys.USERS, "bob"))
    assert passwords.is_right(after.password_hash, "another long password")
    assert after.incarnation != before.incarnation, "his logins end"
    assert [user["name"] for user in run("users", "list")] == ["ada", "bob"]
    run("users", "remove", "bob")
    run("users", "remove", "ada")
    assert run("users", "list") == []


def test_what_would_lock_everybody_out_is_refused(bus: Any) -> None:
    assert "an admin" in refusal("users", "add", "bob", stdin=f"{PASSWORD}\n")
    run("users", "add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")
    run("users", "add", "bob", stdin=f"{PASSWORD}\n")
    for words in (("role", "ada", "viewer"), ("remove", "ada")):
        assert "another user an admin first" in refusal("users", *words)


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("add", "ada", "--role", "admin"), "short\n", "12 to 1024"),
        (("add", "Ada", "--role", "admin"), f"{PASSWORD}\n", "name"),
        (("add", "ada", "--role", "admin", "--camera", "gate"), f"{PASSWORD}\n", "sees all cameras"),
        (("add", "ada", "--camera", "attic"), f"{PASSWORD}\n", "no camera attic"),
        (("role", "nobody", "viewer"), "", "no user 'nobody'"),
        (("cameras", "ada"), "", "--camera"),
    ],
)
def test_a_wrong_word_is_answered_with_the_rule(bus: Any, words: tuple[str, ...], stdin: str, said: str) -> None:
    assert said in refusal("users", *words, stdin=stdin)


def test_a_user_who_cannot_be_read_can_be_removed(bus: Any) -> None:
    bus.hset(keys.USERS, "broken", b"{")
    assert run("users", "list") == []
    run("users", "remove", "broken")
    assert not bus.exists(keys.USERS)


def test_a_token_is_printed_once(bus: Any) -> None:
    made = CliRunner().invoke(app, ["tokens", "add", "home", "--camera", "gate", "--expires-days", "30"])
    parsed = parse_token(made.stdout.strip())
    assert parsed is not None
    [listed] = run("tokens", "list")
    assert listed["id"] == parsed[0]
    assert (listed["scope"], listed["cameras"], listed["last_used"]) == ("read", ["gate"], None)
    assert made.stdout.strip() not in CliRunner().invoke(app, ["tokens", "list"]).output
    run("tokens", "remove", parsed[0])
    assert run("tokens", "list") == []
    assert "no token" in refusal("tokens", "remove", parsed[0])


def test_commands_are_in_the_audit_log_without_secrets(bus: Any) -> None:
    run("users", "add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")
    run("users", "password", "ada", stdin="another long password\n")
    token = CliRunner().invoke(app, ["tokens", "add", "home"]).stdout.strip()
    made, changed, added = run("audit")
    assert [entry["action"] for entry in (added, changed, made)] == ["users add", "users password", "tokens add"]
    assert {entry["via"] for entry in (added, changed, made)} == {"command"}
    shown = CliRunner().invoke(app, ["audit"]).output
    for secret in (PASSWORD, "another long password", token, "argon2"):
        assert secret not in shown + str((made, changed, added))


def test_without_a_service_the_queue_of_the_data_folder_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where `patchwatch serve` does not run: its server is started for as long as the command takes."""
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    run("users", "add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")
    assert [user["name"] for user in run("users", "list")] == ["ada"], "kept, and read again"
