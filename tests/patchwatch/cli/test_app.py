"""The command line: quick help, one clear line per error, exit codes that tell which kind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from patchwatch import __version__
from patchwatch.cli.app import COMMANDS, app, exit_code, main
from patchwatch.contract.errors import EXIT_STAYS, BusUnavailableError, ConfigurationError, NotFoundError


def patchwatch(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHWATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "patchwatch", *arguments],
        input=stdin, capture_output=True, text=True, timeout=60, env=kept | environment,
    )  # fmt: skip


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("patchwatch: ")
    return lines[0]


def test_version() -> None:
    done = patchwatch("--version")
    assert (done.returncode, done.stdout) == (0, f"patchwatch {__version__}\n")


def test_help_names_every_command() -> None:
    done = patchwatch("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert "Settings are environment variables" in done.stdout
    assert [line.split()[0] for line in done.stdout.partition("Exit codes:")[2].splitlines()[1:]] == ["0", "1", "2"]
    assert_plain(done.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    done = patchwatch(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"patchwatch {name}" in done.stdout
    assert_plain(done.stdout)


def assert_plain(help: str) -> None:
    """One look for all: no boxes, nothing cut, no completion that only some would offer."""
    assert not set("╭╮╰╯│─") & set(help)
    assert "completion" not in help
    assert [line for line in help.splitlines() if line.endswith("...") and "Usage" not in line] == []


GROUPS = {
    "cameras": [
        "add",
        "list",
        "show",
        "update",
        "what-if",
        "import",
        "discover",
        "absence",
        "acknowledge",
        "enable",
        "disable",
        "remove",
        "thresholds",
        "budget",
        "report",
        "learn",
        "forget",
        "corrections",
        "undo",
        "discard-corrections",
    ],
    "alerts": ["list", "watch", "show", "evidence", "normal", "confirm", "unsure", "undo"],
    "channels": ["add", "list", "show", "update", "remove", "test", "log", "mute", "unmute", "mutes"],
    "evidence": ["verify"],
    "webhooks": ["add", "list", "update", "enable", "disable", "remove", "test", "dead-letters", "retry"],
    "users": ["add", "list", "role", "cameras", "password", "remove"],
    "tokens": ["add", "list", "remove"],
    "banks": ["enrol", "list", "show", "activate", "pin", "unpin", "remove", "score", "explain", "shadow"],
    "banks shadow": ["start", "show", "stop", "swap"],
    "enrolments": ["add", "list", "cancel"],
    "evaluate": ["run", "suite", "compare", "report"],
    "weights": ["list", "pull", "verify"],
}


def commands(*words: str) -> dict[str, Any]:
    """Those that help lists at this place."""
    group: Any = typer.main.get_command(app)
    for word in words:
        group = group.get_command(None, word)
    return {name: group.get_command(None, name) for name in group.list_commands(None)}


def groups(*words: str) -> dict[str, list[str]]:
    """The commands of each group at this place that help lists, and of the groups within."""
    listed: dict[str, list[str]] = {}
    for name, command in commands(*words).items():
        if hasattr(command, "list_commands"):
            place = *words, name
            listed[" ".join(place)] = [verb for verb, one in commands(*place).items() if not one.hidden]
            listed |= groups(*place)
    return listed


def test_commands_are_nouns_with_verbs() -> None:
    assert groups() == GROUPS


@pytest.mark.parametrize("name", GROUPS)
def test_every_command_of_a_group_has_the_same_help_and_prints_json(name: str) -> None:
    for command in GROUPS[name]:
        if f"{name} {command}" in GROUPS:
            continue
        result = CliRunner().invoke(app, [*name.split(), command, "--help"])
        assert result.exit_code == 0
        assert_plain(result.output)
        assert "--json" in result.output


@pytest.mark.parametrize(
    ("words", "nearest"),
    [(["camera"], "cameras"), (["enrolment"], "enrolments"), (["cameras", "lst"], "list"), (["banks", "pinn"], "pin")],
)
def test_an_unknown_command_suggests_the_nearest(words: list[str], nearest: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert f"No such command {words[-1]!r}." in result.output
    assert f"Did you mean {nearest!r}" in result.output


def test_an_unknown_command_that_is_near_none_suggests_nothing() -> None:
    done = patchwatch("nonsense")
    assert done.returncode == 2
    assert "No such command 'nonsense'.\n" in done.stderr


@pytest.mark.parametrize(
    ("former", "present"),
    [
        (["enroll"], ["banks", "enrol"]),
        (["score"], ["banks", "score"]),
        (["explain"], ["banks", "explain"]),
        (["compare"], ["evaluate", "compare"]),
        (["report"], ["evaluate", "report"]),
        (["evaluate", "--folds"], ["evaluate", "run", "--folds"]),
        (["bank", "door"], ["banks", "show"]),
        (["bank", "list"], ["banks", "list"]),
        (["bank", "activate"], ["banks", "activate"]),
        (["cameras", "set"], ["cameras", "update"]),
        (["webhooks", "dead"], ["webhooks", "dead-letters"]),
    ],
)
def test_former_names_still_work_and_no_help_lists_them(former: list[str], present: list[str]) -> None:
    def options(words: list[str]) -> str:
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, result.output
        return result.output.partition("Options:")[2]

    assert options(former) == options(present) != ""
    if former[0] not in COMMANDS:
        assert f"\n  {former[0]} " not in CliRunner().invoke(app, ["--help"]).output


def test_a_role_without_a_shared_redis_says_what_to_set() -> None:
    done = patchwatch("run", "ingest")
    assert done.returncode == 2
    assert "PATCHWATCH_REDIS_URL" in one_line(done)


def test_a_wrong_setting_is_named() -> None:
    done = patchwatch("serve", PATCHWATCH_PORT="seventy")
    assert done.returncode == 2
    assert "PATCHWATCH_PORT" in one_line(done)


def test_an_unreachable_redis_may_pass_and_its_password_does_not_show() -> None:
    done = patchwatch(
        "serve", "--port", "0", "--rtsp-port", "0", PATCHWATCH_REDIS_URL="redis://u:hunter2@127.0.0.1:1/0"
    )
    assert done.returncode == 1
    assert "Redis does not answer" in one_line(done)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("option", "setting"), [("--port", "PATCHWATCH_PORT"), ("--rtsp-port", "PATCHWATCH_RTSP_PORT")]
)
def test_a_taken_port_is_named_with_its_setting(option: str, setting: str) -> None:
    others = {"--port": "0", "--rtsp-port": "0"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = [part for pair in (others | {option: port}).items() for part in pair]
        done = patchwatch("serve", *options)
    assert done.returncode == 2
    assert f"port {port}" in one_line(done)
    assert setting in done.stderr


def test_cameras_without_a_service_say_how_to_start_one() -> None:
    done = patchwatch("cameras", "list", "--api", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "patchwatch serve" in one_line(done)


def test_exit_codes_tell_what_may_pass() -> None:
    assert exit_code(BusUnavailableError("x")) == 1
    assert exit_code(ConfigurationError("x")) == exit_code(NotFoundError("x")) == 2


def test_help_comes_without_loading_the_heavy_parts(tmp_path: Path) -> None:
    for heavy in ("torch", "av", "cv2", "fastapi", "ultralytics"):
        (tmp_path / f"{heavy}.py").write_text("raise ImportError('too heavy for help')")
    done = patchwatch("--help", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (MemoryError(), "too little memory"),
        (RuntimeError("can't start new thread"), "no further thread may be started"),
        (ImportError("libx.so: failed to map segment from shared object"), "too little memory"),
        (
            ImportError("libGL.so.1: cannot open shared object file: No such file or directory"),
            "system library is missing",
        ),
    ],
)
def test_what_the_machine_lacks_is_named_in_one_line(
    error: Exception, advice: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks() -> None:
        raise error

    monkeypatch.setattr("patchwatch.cli.commands.settings.load_settings", lacks)
    monkeypatch.setattr("sys.argv", ["patchwatch", "settings"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EXIT_STAYS
    words = capsys.readouterr().err
    assert advice in words
    assert words.count("\n") == 1


def run_with(redirection: str) -> subprocess.CompletedProcess[str]:
    command = f"exec {sys.executable} -m patchwatch settings {redirection}"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=buffered)


def test_a_full_disk_under_the_output_is_one_line() -> None:
    done = run_with("> /dev/full")
    assert done.returncode == 1
    assert "the output cannot be written (No space left on device): make room" in one_line(done)


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-", "| head -1"])
def test_an_output_that_its_reader_has_closed_is_no_defect(redirection: str) -> None:
    assert "Traceback" not in run_with(redirection).stderr


def test_a_module_that_is_missing_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks() -> None:
        raise ModuleNotFoundError("No module named 'patchwatch.nothing'", name="patchwatch.nothing")

    monkeypatch.setattr("patchwatch.cli.commands.settings.load_settings", lacks)
    monkeypatch.setattr("sys.argv", ["patchwatch", "settings"])
    with pytest.raises(ModuleNotFoundError):
        main()
