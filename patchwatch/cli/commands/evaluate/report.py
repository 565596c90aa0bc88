"""``patchwatch evaluate report``: a stored evaluation as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import check_output, print_json, write_output

if TYPE_CHECKING:
    from patchwatch.evaluation.report.report import Report
    from patchwatch.evaluation.suite.suite_report import SuiteReport


def report(
    result: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate run` or `suite` wrote as JSON.")],
    html: Annotated[Path, typer.Option("--html", help="Write the page to this file, which needs no others.")],
    as_json: AsJson = False,
) -> None:
    """Write a stored evaluation as one HTML file for people."""
    from patchwatch.evaluation.suite.stored_report import read_report
    from patchwatch.evaluation.suite.suite_report import SuiteReport

    check_output("--html", html, make_folder=True)
    stored = read_report(result)
    if isinstance(stored, SuiteReport):
        write_suite_page(stored, html)
    else:
        write_page(stored, html)
    if as_json:
        print_json({"html": str(html)})


def write_page(evaluation: Report, path: Path) -> None:
    """Write the page, making its folder. Raises `RejectedError` where it cannot be written."""
    from patchwatch.pages.evaluation_page import evaluation_page

    _write(evaluation_page(evaluation), path)


def write_suite_page(suite: SuiteReport, path: Path) -> None:
    """As `write_page`, of a suite."""
    from patchwatch.pages.suite_page import suite_page

    _write(suite_page(suite), path)


def _write(text: str, path: Path) -> None:
    check_output("--html", path, make_folder=True)
    write_output("--html", path, text)
