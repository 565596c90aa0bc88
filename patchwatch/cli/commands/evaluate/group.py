"""The commands of ``patchwatch evaluate``. Its former form, ``patchwatch evaluate --train ...``, still works."""

from __future__ import annotations

from typing import Any

from patchwatch.cli.command_group import CommandGroup, command_group
from patchwatch.cli.commands.evaluate.compare import compare
from patchwatch.cli.commands.evaluate.report import report
from patchwatch.cli.commands.evaluate.run import run
from patchwatch.cli.commands.evaluate.suite import suite


class _RunByDefault(CommandGroup):
    """``patchwatch evaluate --OPTION ...`` means ``patchwatch evaluate run --OPTION ...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = command_group("Measure how well profiles tell labelled anomalies from normal footage.", _RunByDefault)
app.command("run")(run)
app.command("suite")(suite)
app.command("compare")(compare)
app.command("report")(report)
