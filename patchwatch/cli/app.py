"""The ``patchwatch`` command: loads its subcommands by name and turns errors into one clear line."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup

from patchwatch import __version__
from patchwatch.cli.command_group import CommandGroup, command_group, single_command
from patchwatch.contract.errors import EXIT_MAY_PASS, EXIT_STAYS, PatchwatchError, RetryableError
from patchwatch.contract.redaction import redact

# name -> "module:attribute" in patchwatch.cli.commands; the attribute is a function, or a Typer app with subcommands
COMMANDS = {
    "serve": "serve:serve",
    "run": "run:run",
    "alive": "alive:alive",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "top": "top:top",
    "plan": "plan:plan",
    "settings": "settings:settings",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "cameras": "cameras.group:app",
    "alerts": "alerts.alerts:app",
    "evidence": "alerts.evidence:app",
    "webhooks": "alerts.webhooks:app",
    "channels": "alerts.channels:app",
    "banks": "banks.group:app",
    "enrolments": "enrolments:app",
    "users": "access.users:app",
    "tokens": "access.tokens:app",
    "audit": "access.audit:audit",
    "evaluate": "evaluate.group:app",
    "weights": "weights:app",
}
# Former names: they work as they did, and no help lists them.
FORMER_COMMANDS = {
    "bank": "banks.group:former_app",
    "enroll": "banks.enrol:enrol",
    "score": "banks.score:score",
    "explain": "banks.explain:explain",
    "compare": "evaluate.compare:compare",
    "report": "evaluate.report:report",
}
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OURS = ("patchwatch", "models", "workers", "service")
_NO_THREAD = "can't start new thread"
_OUT_OF_MEMORY = (
    "error return without exception set",
    "failed to map segment",
    "cannot allocate memory",
    "Cannot allocate memory",
)


class _LazyCommands(CommandGroup):
    """Imports the module of a subcommand only when that subcommand is used."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        place = (COMMANDS | FORMER_COMMANDS).get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(import_module(f"patchwatch.cli.commands.{module}"), attribute)
        group = command if isinstance(command, typer.Typer) else single_command(cmd_name, command)
        loaded = typer.main.get_command(group)
        loaded.name = cmd_name
        return cast("TyperCommand | TyperGroup", loaded)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patchwatch {__version__}")
        raise typer.Exit


app = command_group(cls=_LazyCommands)


@app.callback()
def patchwatch(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learns what is normal from a camera's own footage, scores its video live, and raises alerts.

    Settings are environment variables named PATCHWATCH_..., or lines of the TOML file that PATCHWATCH_CONFIG_FILE
    names; `patchwatch settings` lists them with their values.
    """
    from patchwatch.contract.settings import unknown_variables

    for name, meant in unknown_variables().items():
        advice = f"did you mean {meant}?" if meant else "`patchwatch settings` lists all"
        typer.echo(f"patchwatch: {name} is not a setting and has no effect: {advice}", err=True)


def main() -> None:
    """Run the command line and exit with the code that `exit_code` assigns to the error, if there is one."""
    _replace_closed_outputs()
    command = typer.main.get_command(app)
    try:
        try:
            command.main(prog_name="patchwatch")
        finally:
            _flush()
    except PatchwatchError as error:
        typer.echo(f"patchwatch: {redact(str(error))}", err=True)
        sys.exit(exit_code(error))
    except (MemoryError, ImportError, RuntimeError, SystemError) as error:
        advice = _advice(error)
        if advice is None:
            raise
        typer.echo(f"patchwatch: {advice} ({str(error) or 'out of memory'})", err=True)
        sys.exit(EXIT_STAYS)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        where = f"{error.filename} cannot be written" if error.filename else "the output cannot be written"
        typer.echo(f"patchwatch: {where} ({error.strerror}): make room on that disk, and try again", err=True)
        sys.exit(EXIT_MAY_PASS)


def _flush() -> None:
    """Write what is buffered now: a full disk found when the interpreter ends would be a traceback."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it is tried once more at the end
        if not isinstance(error, BrokenPipeError):
            raise


def _replace_closed_outputs() -> None:
    """What would go to a standard output or error that the caller has closed goes nowhere."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _advice(error: MemoryError | ImportError | RuntimeError | SystemError) -> str | None:
    """What to do about an error that only libraries can report; None where the error is a defect of ours."""
    message = str(error)
    if isinstance(error, MemoryError) or any(sign in message for sign in _OUT_OF_MEMORY):
        return "there is too little memory: raise the limit of the process or container; `motion` needs 1 GB"
    if _NO_THREAD in message:
        return (
            "no further thread may be started: raise the limits of memory and of processes (`ulimit -v`, `ulimit -u`)"
        )
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] not in _OURS:
        return "this command needs a package that is not here: an image holds its role's; run it in another's, or `all`"
    if "cannot open shared object file" in message:
        return "a system library is missing: install it, or see README.md on how to install Patchwatch"
    return None


def exit_code(error: PatchwatchError) -> int:
    """The exit status of a command that failed: it says whether trying again may help."""
    return EXIT_MAY_PASS if isinstance(error, RetryableError) else EXIT_STAYS
