"""One look of help for every command: plain text, whole sentences, nothing that the shell has to be taught first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE = 10_000  # characters of a command's first sentence: it is wrapped, never cut
_WIDEST = 100  # characters of a line, on a terminal that has them


class PlainGroup(TyperGroup):
    """Lists its commands with the whole of their first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one is not None and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def plain_typer(help: str | None = None, cls: type[TyperGroup] = PlainGroup) -> typer.Typer:
    """A group of commands in that look."""
    made = typer.Typer(
        cls=cls, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
        context_settings={"max_content_width": _WIDEST},
    )  # fmt: skip
    if help is not None:  # else the words of its callback
        made.info.help = help
    return made


def single(name: str, function: Callable[..., Any]) -> typer.Typer:
    """One command in that look."""
    made = typer.Typer(add_completion=False, rich_markup_mode=None)
    made.command(name, context_settings={"max_content_width": _WIDEST})(function)
    return made
