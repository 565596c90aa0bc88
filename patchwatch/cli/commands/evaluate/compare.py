"""``patchwatch evaluate compare``: what changed between two evaluations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson
from patchwatch.contract.errors import RejectedError

if TYPE_CHECKING:
    from patchwatch.evaluation.report.comparison import Comparison, Figure
    from patchwatch.evaluation.report.profile_result import ProfileResult
    from patchwatch.evaluation.report.report import Report
    from patchwatch.evaluation.suite.scene_result import SuiteProfile
    from patchwatch.evaluation.suite.suite_report import SuiteReport

_SAME = 5e-5  # figures are shown with four digits


def compare(
    before: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate run` or `suite` wrote as JSON.")],
    after: Annotated[Path, typer.Argument(help="Another one of the same command.")],
    as_json: AsJson = False,
) -> None:
    """Print what changed between two evaluations: settings, profiles, and figures that differ.

    Of two suites also whether each difference is more than the noise of its clips.
    """
    from patchwatch.evaluation.suite.stored_report import read_report
    from patchwatch.evaluation.suite.suite_report import SuiteReport

    first, second = read_report(before), read_report(after)
    if isinstance(first, SuiteReport) and isinstance(second, SuiteReport):
        _compare_suites(first, second, as_json=as_json)
    elif not isinstance(first, SuiteReport) and not isinstance(second, SuiteReport):
        _compare_reports(first, second, as_json=as_json)
    else:
        suite, other = (before, after) if isinstance(first, SuiteReport) else (after, before)
        raise RejectedError(f"{suite} is of a suite and {other} of one evaluation: compare two of one kind")


def _compare_suites(first: SuiteReport, second: SuiteReport, *, as_json: bool) -> None:
    from patchwatch.evaluation.suite.comparison import compare_suites
    from patchwatch.evaluation.suite.comparison_table import comparison_lines

    comparison = compare_suites(first, second)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(), indent=2))
        return
    _warn((*first.profiles, *second.profiles))
    for line in comparison_lines(comparison):
        typer.echo(line)


def _compare_reports(first: Report, second: Report, *, as_json: bool) -> None:
    from patchwatch.evaluation.report.comparison import compare as compare_reports

    comparison = compare_reports(first, second)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(), indent=2))
        return
    _warn((*first.profiles, *second.profiles))
    _print(comparison)


def _warn(results: Sequence[ProfileResult | SuiteProfile]) -> None:
    for result in results:
        if result.random_weights:
            typer.echo(f"WARNING: {result.label}: its figures do not describe the profile", err=True)


def _print(comparison: Comparison) -> None:
    for setting in comparison.settings:
        typer.echo(f"{setting.name}: {setting.before} -> {setting.after}")
    for names, where in ((comparison.only_before, "first"), (comparison.only_after, "second")):
        for name in names:
            typer.echo(f"{name}: only in the {where} report")
    changed = [change for change in comparison.changes if change.difference is None or abs(change.difference) >= _SAME]
    changed = [change for change in changed if change.before is not None or change.after is not None]
    if changed:
        typer.echo(f"{'profile':<12}{'figure':<42}{'before':>10}{'after':>10}{'change':>10}")
    for change in changed:
        signed = "-" if change.difference is None else f"{change.difference:+.4f}"
        line = f"{change.profile:<12}{change.metric:<42}{_figure(change.before):>10}{_figure(change.after):>10}"
        typer.echo(f"{line}{signed:>10}")
    same = sum(change.before is not None and change.after is not None for change in comparison.changes) - sum(
        change.difference is not None for change in changed
    )
    typer.echo(f"{same} figures are the same")


def _figure(value: Figure) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
