"""The ``patchwatch`` command: finds its subcommands by name and turns errors into one clear line."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup

from patchwatch import __version__
from patchwatch.cli.plain_help import PlainGroup, plain_typer, single
from patchwatch.contract.errors import EXIT_MAY_PASS, EXIT_STAYS, PatchwatchError, RetryableError
from patchwatch.contract.redaction import redact

# name -> "module:attribute"; the attribute is a function, or a Typer app with subcommands
COMMANDS = {
    "serve": "patchwatch.cli.commands.serve:serve",
    "demo": "patchwatch.cli.commands.demo:demo",
    "enroll": "patchwatch.cli.commands.enroll:enroll",
    "bank": "patchwatch.cli.commands.bank:app",
    "enrolments": "patchwatch.cli.commands.enrolments:app",
    "score": "patchwatch.cli.commands.score:score",
    "explain": "patchwatch.cli.commands.explain:explain",
    "evaluate": "patchwatch.cli.commands.evaluate:evaluate",
    "compare": "patchwatch.cli.commands.compare:compare",
    "report": "patchwatch.cli.commands.report:report",
    "cameras": "patchwatch.cli.commands.cameras:app",
    "webhooks": "patchwatch.cli.commands.webhooks:app",
    "weights": "patchwatch.cli.commands.weights:app",
    "doctor": "patchwatch.cli.commands.doctor:doctor",
    "settings": "patchwatch.cli.commands.settings:settings",
    "run": "patchwatch.cli.commands.run:run",
}


_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")


class _LazyCommands(PlainGroup):
    """Imports the module of a subcommand when that one is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            found = single(cmd_name, found)
        command = typer.main.get_command(found)
        command.name = cmd_name
        return cast("TyperCommand | TyperGroup", command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patchwatch {__version__}")
        raise typer.Exit


app = plain_typer(cls=_LazyCommands)


@app.callback()
def patchwatch(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learns what is normal from a camera's own footage, scores its video live, and raises alerts.

    Settings are environment variables named PATCHWATCH_...; `patchwatch settings` lists them.
    """
    from patchwatch.contract.settings import unknown_variables

    for name, meant in unknown_variables().items():
        advice = f"did you mean {meant}?" if meant else "`patchwatch settings` lists all"
        typer.echo(f"patchwatch: {name} is no setting and has no effect: {advice}", err=True)


def main() -> None:
    """Run the command line. Exit code 2: an error that stays; 1: one that may pass."""
    command = typer.main.get_command(app)
    try:
        command.main(prog_name="patchwatch")
    except PatchwatchError as error:
        typer.echo(f"patchwatch: {redact(str(error))}", err=True)
        sys.exit(exit_code(error))
    except (MemoryError, ImportError) as error:
        advice = _advice_on(error)
        if advice is None:
            raise
        typer.echo(f"patchwatch: {advice} ({str(error) or 'out of memory'})", err=True)
        sys.exit(EXIT_STAYS)


def _advice_on(error: MemoryError | ImportError) -> str | None:
    """What a machine lacks that libraries can say in their own words only; None for what is a defect."""
    words = str(error)
    if isinstance(error, MemoryError) or any(sign in words for sign in _NO_MEMORY):
        return "there is too little memory: raise the limit of the process or container; 1 GB does for `motion`"
    if "cannot open shared object file" in words:
        return "a library of the system is missing: install it, or see README.md on how to install Patchwatch"
    return None


def exit_code(error: PatchwatchError) -> int:
    return EXIT_MAY_PASS if isinstance(error, RetryableError) else EXIT_STAYS
