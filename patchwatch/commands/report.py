"""``patchwatch report``: a stored evaluation as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.errors import RejectedError

if TYPE_CHECKING:
    from workers.evaluation.report import Report


def report(
    result: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate --json` wrote.")],
    html: Annotated[Path, typer.Option("--html", help="Write the page here: one file that needs nothing else.")],
) -> None:
    """Write a stored evaluation as one HTML file for people."""
    from workers.evaluation.report import Report

    write_page(Report.read(result), html)


def write_page(found: Report, path: Path) -> None:
    """Write the page, making its folder. Raises `RejectedError` where that cannot be."""
    from workers.evaluation.page.document import document

    text = document(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RejectedError(f"--html {path}: {error.strerror}") from None
