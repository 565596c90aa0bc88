"""How every command looks: plain help with whole sentences, the nearest name for an unknown one, exit codes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODES = """\b
Exit codes:
  0  done
  1  failed for a reason that may pass, or a check found a fault: try again later
  2  failed for a reason that stays: correct the command, a setting or an input first"""
_WHOLE = 10_000  # characters of a command's first sentence: it is wrapped, never cut
_WIDEST = 100  # characters of a line, on a terminal that has them


class CommandGroup(TyperGroup):
    """Lists its commands with the whole of their first sentence. Hidden commands are former names that still work."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in self._visible(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # Typer has a click of its own: no types to name
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            nearest = get_close_matches(name, [known for known, _ in self._visible(ctx)])
            suggestion = f" Did you mean {' or '.join(repr(known) for known in nearest)}?" if nearest else ""
            ctx.fail(f"No such command {name!r}.{suggestion}")
        return super().resolve_command(ctx, args)

    def _visible(self, ctx: Any) -> list[tuple[str, Any]]:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return [(name, command) for name, command in commands if command is not None and not command.hidden]


class _Commands(typer.Typer):
    """Shows the exit codes in the help of each of its commands too."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        return super().command(name, epilog=EXIT_CODES, **options)


def command_group(help: str | None = None, cls: type[TyperGroup] = CommandGroup) -> typer.Typer:
    """A group of commands. Without ``help``, its callback has the words."""
    group = _Commands(
        cls=cls, no_args_is_help=True, add_completion=False, rich_markup_mode=None, epilog=EXIT_CODES,
        context_settings={"max_content_width": _WIDEST},
    )  # fmt: skip
    if help is not None:
        group.info.help = help
    return group


def single_command(name: str, function: Callable[..., Any]) -> typer.Typer:
    """A command that stands alone."""
    command = _Commands(add_completion=False, rich_markup_mode=None)
    command.command(name, context_settings={"max_content_width": _WIDEST})(function)
    return command
