"""``patchwatch settings``: every setting with its value and its source, and the table in docs/settings.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json, write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.redaction import MASK, redact
from patchwatch.contract.setting_parts.setting_sources import secret_file_variable, variable
from patchwatch.contract.settings import Settings, load_settings, origins, secret_names

_TABLE = re.compile(r"(?<=<!-- settings: `make docs` writes this -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)
_COMPUTED = {"data_dir": "`~/.local/share/patchwatch`", "weights_dir": "`~/.cache/patchwatch/weights`"}


@dataclass(frozen=True)
class SettingInForce:
    """``value``: without secrets. ``origin``: "environment", or the path of a file; None for the default."""

    name: str
    value: str | None
    origin: str | None


def settings(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the defaults as the table of docs/settings.md.")
    ] = False,
    into: Annotated[Path | None, typer.Option(help="Write that table between the marks in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print every setting with its value here, where that comes from, its default and its meaning. Secrets are hidden.

    An option of a command comes before an environment variable (PATCHWATCH_PORT), that before a file that holds one
    secret (named by PATCHWATCH_API_TOKEN_FILE), that before the TOML file with any settings (named by
    PATCHWATCH_CONFIG_FILE), and that before the default.
    """
    if into is not None:
        _write_into(into)
    elif markdown:
        typer.echo(table(), nl=False)
    elif as_json:
        rows = list(in_force(load_settings()))
        values = {variable(row.name): row.value for row in rows}
        print_json(values | {"sources": {variable(row.name): row.origin or "default" for row in rows}})
    else:
        for row in in_force(load_settings()):
            field = Settings.model_fields[row.name]
            typer.echo(f"{variable(row.name)}={'' if row.value is None else row.value}{_origin(row, field)}")
            typer.echo(f"    {_meaning(row.name, field)}")


def in_force(settings: Settings) -> Iterator[SettingInForce]:
    """Every setting with its value, secrets masked, and where it comes from."""
    sources = origins()
    for name in _fields():
        value = settings.allowed_media_dirs if name == "media_dirs" else getattr(settings, name)
        yield SettingInForce(name, _shown(value), sources.get(name))


def table() -> str:
    """All settings as a Markdown table."""
    rows = [
        f"| `{variable(name)}` | {_default(name, field)} | {_meaning(name, field)} |"
        for name, field in _fields().items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows, ""])


def _fields() -> dict[str, FieldInfo]:
    """All settings: those of parts that stand in files of their own come last, in their order."""
    names = sorted(Settings.model_fields, key=lambda name: name not in Settings.__annotations__)
    return {name: Settings.model_fields[name] for name in names}


def _origin(row: SettingInForce, field: FieldInfo) -> str:
    if row.origin is None:
        return ""
    return f"  (from {row.origin}; default: {_default(row.name, field).strip('`') or 'unset'})"


def _shown(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return redact(value.get_secret_value()) if "://" in value.get_secret_value() else MASK
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _write_into(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RejectedError(f"--into {path} cannot be read: {error.strerror}") from None
    if not _TABLE.search(text):
        raise RejectedError(f"--into {path} has no marks for the table: see docs/settings.md for their form")
    write_output("--into", path, _TABLE.sub(lambda _: table(), text))


def _default(name: str, field: FieldInfo) -> str:
    if name in _COMPUTED:
        return _COMPUTED[name]
    return f"`{field.default}`" if field.default not in (None, ()) else ""


def _meaning(name: str, field: FieldInfo) -> str:
    sentences = [(field.description or "").replace("|", "\\|")]
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        sentences.append("One of " + ", ".join(f"`{choice}`" for choice in choices) + ".")
    if name in secret_names():
        sentences.append(f"Or the path of a file that holds it, in `{secret_file_variable(name)}`.")
    return " ".join(filter(None, sentences))
