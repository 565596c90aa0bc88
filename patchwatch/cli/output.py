"""What commands write: JSON or notices on the terminal, and files that are checked before the work begins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import typer

from patchwatch.contract.errors import RejectedError


def print_json(value: Any) -> None:
    """One line of JSON on stdout."""
    typer.echo(json.dumps(value))


def print_outcome(sentence: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """What a command did: ``facts`` as JSON on stdout, or else ``sentence`` on stderr."""
    if as_json:
        print_json(facts)
    else:
        typer.echo(sentence, err=True)


def check_output(option: str, path: Path | None, *, make_folder: bool = False) -> None:
    """Raises `RejectedError` naming the option when ``path`` cannot be written. Leaves no file behind."""
    if path is None:
        return
    with writing(option, path):
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "is a folder: name a file in it")
        if path.exists():
            if not os.access(path, os.W_OK):
                raise PermissionError(0, "may not be written to")
            return
        with TemporaryFile(dir=path.parent):
            return


def write_output(option: str, path: Path, text: str) -> None:
    """Raises `RejectedError` naming the option."""
    with writing(option, path):
        path.write_text(text, encoding="utf-8")


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Turns an `OSError` of writing into `RejectedError` naming the option."""
    try:
        yield
    except OSError as error:
        raise RejectedError(f"{option} {path} cannot be written: {error.strerror}; name another place") from None
