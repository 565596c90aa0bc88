"""Every command of the documentation is one that there is; those that a service answers are run, or it says why not."""

from __future__ import annotations

import documented_commands
import pytest
from documented_commands import Command
from service_world import Serve, World, now_ms
from typer.core import TyperCommand
from typer.testing import CliRunner

from patchwatch.bus import keys
from patchwatch.cli.app import app
from patchwatch.contract.settings import Settings

COMMANDS = [command for command in documented_commands.commands() if command.words]
RUN_PAGES = ("docs/guides/", "docs/reference/")
OTHER_PROGRAMS = {
    "make demo": "tests/patchwatch/demo runs the demo",
    "python3 -m venv": "makes what the tests run in",
    "pip install": "needs a package index and minutes",
}
NOT_RUN = {
    "serve": "tests/test_readme_commands.py runs it",
    "run": "tests/faults runs each role",
    "doctor": "tests/patchwatch/doctor runs its checks",
    "weights pull": "needs the network",
    "weights verify": "the weights are not here",
    "evaluate": "the data are not here: tests/patchwatch/evaluation runs it on others",
    "banks": "an enrolment worker does it: tests/test_readme_commands.py",
    "cameras what-if": "an enrolment worker answers: tests/workers/enrolment",
    "users add": "from then on every command needs a login: tests/patchwatch/cli/commands",
}


def _id(command: Command) -> str:
    return f"{command.page}-{' '.join(command.words[:3])}"


@pytest.mark.parametrize("command", COMMANDS, ids=_id)
def test_every_command_and_option_exists(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(TyperCommand, "invoke", lambda self, ctx: reached.append(ctx.command_path))
    answer = CliRunner().invoke(app, command.words)
    assert reached, f"{command.page}: {command.line}\n{answer.output}"


def _not_run(command: Command) -> bool:
    return any(" ".join(command.words).startswith(start) for start in NOT_RUN)


def test_what_is_not_run_is_still_there() -> None:
    lines = [" ".join(command.words) for command in COMMANDS]
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)] == []


def test_a_guide_that_calls_another_program_says_here_why_it_is_not_run() -> None:
    others = {
        command.line
        for command in documented_commands.commands()
        if not command.words and command.page.startswith(RUN_PAGES)
    }
    assert [line for line in others if not line.startswith(tuple(OTHER_PROGRAMS))] == []
    assert [start for start in OTHER_PROGRAMS if not any(line.startswith(start) for line in others)] == []


def test_what_a_service_answers_works_as_written(
    serve: Serve, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = _stock(world)
    monkeypatch.setenv("PATCHWATCH_PORT", serve(settings).rpartition(":")[2])
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", settings.shared_redis_url)
    ran = [command for command in COMMANDS if command.page.startswith(RUN_PAGES) and not _not_run(command)]
    assert len(ran) > 20
    for command in ran:
        if command.words[:3] == ("cameras", "add", "door"):
            world.bus.hdel(keys.CAMERAS, "door")
        words = [alert if word == "ALERT" else word for word in command.words]
        answer = CliRunner().invoke(app, words, input="rtsp://USER:PASSWORD@10.0.0.8/stream1\n")
        assert answer.exit_code == 0, f"{command.page}: {command.line}\n{answer.output}\n{answer.exception!r}"


def _stock(world: World) -> str:
    """A camera that is scored, and an alert of it, whose id is returned."""
    world.camera("door")
    world.capture("door")
    budget = {"false_alarms_per_day": 4, "on": 0.6, "off": 0.4, "on_low": 0.5, "on_high": 0.7, "expected": 4}
    budget |= {"expected_low": 1, "expected_high": 9, "footage_hours": 1, "extrapolation": 1, "supported": True}
    world.analysis("door", bank_id="b7", threshold=budget)
    started_ms = now_ms() - 60_000
    world.score(started_ms, camera_id="door")
    world.alert(started_ms, "door")
    return f"door-{started_ms}"
