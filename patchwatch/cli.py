"""The ``patchwatch`` command: finds its subcommands by name and turns errors into one clear line."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup

from patchwatch import __version__
from patchwatch.errors import EXIT_MAY_PASS, EXIT_STAYS, PatchwatchError, RetryableError
from patchwatch.messages.source import redact

# name -> "module:attribute"; the attribute is a function, or a Typer app with subcommands
COMMANDS = {
    "serve": "patchwatch.commands.serve:serve",
    "demo": "patchwatch.commands.demo:demo",
    "enroll": "patchwatch.commands.enroll:enroll",
    "bank": "patchwatch.commands.bank:app",
    "enrolments": "patchwatch.commands.enrolments:app",
    "score": "patchwatch.commands.score:score",
    "explain": "patchwatch.commands.explain:explain",
    "evaluate": "patchwatch.commands.evaluate:evaluate",
    "compare": "patchwatch.commands.compare:compare",
    "report": "patchwatch.commands.report:report",
    "cameras": "patchwatch.commands.cameras:app",
    "webhooks": "patchwatch.commands.webhooks:app",
    "weights": "patchwatch.commands.weights:app",
    "doctor": "patchwatch.commands.doctor:doctor",
    "settings": "patchwatch.commands.settings:settings",
    "run": "patchwatch.commands.run:run",
}


class _LazyCommands(TyperGroup):
    """Imports the module of a subcommand when that one is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return cast("TyperCommand | TyperGroup", command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patchwatch {__version__}")
        raise typer.Exit


app = typer.Typer(cls=_LazyCommands, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def patchwatch(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learns what is normal from a camera's own footage, scores its video live, and raises alerts.

    Settings are environment variables named PATCHWATCH_...; `patchwatch settings` lists them.
    """


def main() -> None:
    """Run the command line. Exit code 2: an error that stays; 1: one that may pass."""
    command = typer.main.get_command(app)
    try:
        command.main(prog_name="patchwatch")
    except PatchwatchError as error:
        typer.echo(f"patchwatch: {redact(str(error))}", err=True)
        sys.exit(exit_code(error))


def exit_code(error: PatchwatchError) -> int:
    return EXIT_MAY_PASS if isinstance(error, RetryableError) else EXIT_STAYS
