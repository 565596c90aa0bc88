"""What Redis refuses is reported once, at the start, with what fixes it; never a traceback, never a password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from patchwatch.bus import keys
from patchwatch.bus.connection import admit, connect, connect_async, translated
from patchwatch.cli.app import app, exit_code
from patchwatch.cli.commands import run
from patchwatch.contract.errors import EXIT_STAYS, BusRefusedError, BusUnavailableError, ConfigurationError
from patchwatch.local_redis.private_server import private_redis

USERS = {
    "narrow": ("~pw:*", "&*", "+@all", "-@dangerous", "-@admin"),
    "elsewhere": ("~other:*", "&*", "+@all"),
    "nowatch": ("~pw:*", "&*", "+@all", "-multi", "-watch"),
    "noscript": ("~pw:*", "&*", "+@all", "-eval"),
    "reader": ("~pw:*", "&*", "+@read", "+@connection", "+@transaction"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its default user has no password."""
    with private_redis() as url:
        with connect(url) as client:
            for name, rules in USERS.items():
                client.execute_command("ACL", "SETUSER", name, "on", ">s3cret", *rules)
        yield url


@pytest.fixture
def url(server: str) -> str:
    with connect(server) as client:
        client.flushall()
    return server


def as_user(url: str, user: str, password: str = "s3cret") -> str:  # noqa: S107
    return url.replace("unix://", f"unix://{user}:{password}@", 1)


def test_a_user_with_the_rights_that_we_name_will_do_and_nothing_is_left_behind(url: str) -> None:
    admit(as_user(url, "narrow"), 16)
    with connect(url) as client:
        assert client.keys("*") == [keys.PARTITIONS.encode()]


@pytest.mark.parametrize("user", ["elsewhere", "nowatch", "noscript", "reader"])
def test_a_user_without_them_learns_how_to_get_them(url: str, user: str) -> None:
    with pytest.raises(ConfigurationError, match="ACL SETUSER") as caught:
        admit(as_user(url, user), 16)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: as_user(url, "narrow", "wrong"), "user or password is wrong"),
        (lambda url: as_user(url, "nobody"), "user or password is wrong"),
        (lambda url: f"{url}?db=99", "no database of that number"),
        (lambda url: f"{url}?no_such=1", "parameter no_such .* is unknown"),
        (lambda url: f"{url}?socket_timeout=soon", "parameter .* wrong value"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_with_it(url: str, change: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        admit(change(url), 16)
    assert exit_code(caught.value) == EXIT_STAYS
    assert "\n" not in str(caught.value)


def test_a_wrong_parameter_is_reported_by_the_asyncio_client_too() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_REDIS_URL"):
        connect_async("redis://127.0.0.1:1/0?socket_timeout=soon")


def test_a_redis_that_is_away_may_come_back() -> None:
    with pytest.raises(BusUnavailableError):
        admit("redis://127.0.0.1:1/0", 16)


def test_all_parts_of_an_installation_have_the_same_partitions(url: str) -> None:
    admit(url, 8)
    admit(url, 8)
    with pytest.raises(ConfigurationError, match=r"begun with 8.*PATCHWATCH_PARTITIONS=8"):
        admit(url, 16)


@pytest.mark.parametrize("command", [["serve", "--port", "0", "--rtsp-port", "0"], ["run", "delivery"]])
def test_the_commands_end_with_one_line(url: str, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", as_user(url, "elsewhere"))
    ended = CliRunner().invoke(app, command)
    assert isinstance(ended.exception, ConfigurationError)


def test_a_redis_that_comes_later_and_refuses_ends_the_role_then(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []

    def end(code: int) -> None:
        ended.append(code)
        raise SystemExit

    admit(url, 8)
    monkeypatch.setattr(run, "_RETRY_ADMISSION_S", 0.0)
    monkeypatch.setattr(os, "_exit", end)
    run._admit_when_reachable(url, 8)
    assert not ended
    with pytest.raises(SystemExit):
        run._admit_when_reachable(url, 16)
    assert ended == [EXIT_STAYS]


@pytest.mark.parametrize(
    ("words", "advice"), [("CERTIFICATE_VERIFY_FAILED", "ssl_ca_certs"), ("WRONG_VERSION_NUMBER", "redis://")]
)
def test_what_is_wrong_with_tls_is_reported(words: str, advice: str) -> None:
    with pytest.raises(BusRefusedError, match=advice), translated():
        raise redis.ConnectionError(f"Error 1 connecting to h:6379. [SSL: {words}] ...")


def test_a_server_that_does_not_count_what_a_stream_had_is_too_old(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis 6.2, whose XINFO has no `entries-added`."""
    execute = redis.client.Pipeline.execute

    def as_of_6_2(pipe: Any) -> Any:
        answers = execute(pipe)
        return [
            {k: v for k, v in one.items() if k != "entries-added"} if isinstance(one, dict) else one for one in answers
        ]

    monkeypatch.setattr(redis.client.Pipeline, "execute", as_of_6_2)
    with pytest.raises(ConfigurationError, match=r"older than 7\.0"):
        admit(url, 16)
