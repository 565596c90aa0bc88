"""``patchwatch settings``: every setting there is, as the table that docs/settings.md holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from patchwatch.errors import RejectedError
from patchwatch.settings import Settings

_TABLE = re.compile(r"(?<=<!-- settings: `make docs` writes this -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)
_COMPUTED = {"data_dir": "`~/.local/share/patchwatch`", "weights_dir": "`~/.cache/patchwatch/weights`"}


def settings(
    into: Annotated[Path | None, typer.Option(help="Write the table between the marks in this file instead.")] = None,
) -> None:
    """Print every setting: its environment variable, default and meaning, as Markdown."""
    if into is None:
        typer.echo(table(), nl=False)
        return
    text = into.read_text(encoding="utf-8")
    if not _TABLE.search(text):
        raise RejectedError(f"{into} has no marks for the table: see docs/settings.md for their form")
    into.write_text(_TABLE.sub(lambda _: table(), text), encoding="utf-8")


def table() -> str:
    """All settings as a Markdown table."""
    rows = [
        f"| `PATCHWATCH_{name.upper()}` | {_default(name, field)} | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows, ""])


def _default(name: str, field: FieldInfo) -> str:
    if name in _COMPUTED:
        return _COMPUTED[name]
    return f"`{field.default}`" if field.default not in (None, ()) else ""


def _meaning(field: FieldInfo) -> str:
    text = (field.description or "").replace("|", "\\|")
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        text = " ".join(filter(None, [text, "One of " + ", ".join(f"`{choice}`" for choice in choices) + "."]))
    return text
