"""``patchwatch settings``: every setting there is with its value here, or as the table that docs/settings.md holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from patchwatch.cli.output_file import write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.redaction import MASK, redact
from patchwatch.contract.settings import Settings, load_settings

_TABLE = re.compile(r"(?<=<!-- settings: `make docs` writes this -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)
_COMPUTED = {"data_dir": "`~/.local/share/patchwatch`", "weights_dir": "`~/.cache/patchwatch/weights`"}


def settings(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print defaults as the table of docs/settings.md.")
    ] = False,
    into: Annotated[Path | None, typer.Option(help="Write that table between the marks in this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the values in force as JSON.")] = False,
) -> None:
    """Print every setting: the value in force here, its default where that is another, and its meaning."""
    if into is not None:
        _write_into(into)
    elif markdown:
        typer.echo(table(), nl=False)
    elif as_json:
        typer.echo(json.dumps({_variable(name): value for name, value, _ in in_force(load_settings())}))
    else:
        for name, value, changed in in_force(load_settings()):
            field = Settings.model_fields[name]
            default = f"  (default: {_default(name, field).strip('`') or 'unset'})" if changed else ""
            typer.echo(f"{_variable(name)}={'' if value is None else value}{default}")
            typer.echo(f"    {_meaning(field)}")


def in_force(settings: Settings) -> Iterator[tuple[str, str | None, bool]]:
    """Name, value without secrets, and whether somebody set it, of each setting."""
    for name in Settings.model_fields:
        value = settings.allowed_media_dirs if name == "media_dirs" else getattr(settings, name)
        yield name, _shown(value), name in settings.model_fields_set


def _shown(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return redact(value.get_secret_value()) if "://" in value.get_secret_value() else MASK
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _variable(name: str) -> str:
    return f"PATCHWATCH_{name.upper()}"


def _write_into(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RejectedError(f"--into {path} cannot be read: {error.strerror}") from None
    if not _TABLE.search(text):
        raise RejectedError(f"{path} has no marks for the table: see docs/settings.md for their form")
    write_output("--into", path, _TABLE.sub(lambda _: table(), text))


def table() -> str:
    """All settings as a Markdown table."""
    rows = [
        f"| `{_variable(name)}` | {_default(name, field)} | {_meaning(field)} |"
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
