"""``patchwatch evaluate report``: a stored evaluation as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import check_output, print_json, write_output

if TYPE_CHECKING:
    from patchwatch.evaluation.report.report import Report


def report(
    result: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate run --json` wrote.")],
    html: Annotated[Path, typer.Option("--html", help="Write the page to this file, which needs no others.")],
    as_json: AsJson = False,
) -> None:
    """Write a stored evaluation as one HTML file for people."""
    from patchwatch.evaluation.report.report import Report

    check_output("--html", html, make_folder=True)
    write_page(Report.read(result), html)
    if as_json:
        print_json({"html": str(html)})


def write_page(evaluation: Report, path: Path) -> None:
    """Write the page, making its folder. Raises `RejectedError` where it cannot be written."""
    from patchwatch.pages.evaluation_page import evaluation_page

    text = evaluation_page(evaluation)
    check_output("--html", path, make_folder=True)
    write_output("--html", path, text)
