"""The commands of ``patchwatch banks``, and ``patchwatch bank``, its former name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.cli.command_group import CommandGroup, command_group
from patchwatch.cli.commands.banks import shadow, versions
from patchwatch.cli.commands.banks.enrol import enrol
from patchwatch.cli.commands.banks.explain import explain
from patchwatch.cli.commands.banks.score import score

_VERSION_COMMANDS: dict[str, Callable[..., None]] = {
    "list": versions.list_,
    "show": versions.show,
    "activate": versions.activate,
    "pin": versions.pin,
    "unpin": versions.unpin,
    "remove": versions.remove,
}

app = command_group("Learn, list and switch the banks of a camera, and score recordings with them, on this machine.")
app.command("enrol")(enrol)
for _name, _command in _VERSION_COMMANDS.items():
    app.command(_name)(_command)
app.command("score")(score)
app.command("explain")(explain)
app.add_typer(shadow.app, name="shadow")


class _ShowByDefault(CommandGroup):
    """``patchwatch bank CAMERA`` means ``patchwatch bank show CAMERA``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


former_app = command_group(
    "Former name of `patchwatch banks`. `bank CAMERA` is short for `bank show CAMERA`.", _ShowByDefault
)
for _name, _command in _VERSION_COMMANDS.items():
    former_app.command(_name)(_command)
