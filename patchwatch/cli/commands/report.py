"""``patchwatch report``: a stored evaluation as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.output_file import check_output, write_output

if TYPE_CHECKING:
    from patchwatch.evaluation.report.report import Report


def report(
    result: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate --json` wrote.")],
    html: Annotated[Path, typer.Option("--html", help="Write the page here: one file that needs nothing else.")],
) -> None:
    """Write a stored evaluation as one HTML file for people."""
    from patchwatch.evaluation.report.report import Report

    check_output("--html", html, make_folder=True)
    write_page(Report.read(result), html)


def write_page(found: Report, path: Path) -> None:
    """Write the page, making its folder. Raises `RejectedError` where that cannot be."""
    from patchwatch.pages.evaluation_page import evaluation_page

    text = evaluation_page(found)
    check_output("--html", path, make_folder=True)
    write_output("--html", path, text)
