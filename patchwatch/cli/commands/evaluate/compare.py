"""``patchwatch evaluate compare``: what changed between two evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson

if TYPE_CHECKING:
    from patchwatch.evaluation.report.comparison import Comparison, Figure

_SAME = 5e-5  # figures are shown with four digits


def compare(
    before: Annotated[Path, typer.Argument(help="Report that `patchwatch evaluate run --json` wrote.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Print what changed between two evaluations: settings, profiles, and figures that differ."""
    from patchwatch.evaluation.report.comparison import compare as compare_reports
    from patchwatch.evaluation.report.report import Report

    first, second = Report.read(before), Report.read(after)
    comparison = compare_reports(first, second)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(), indent=2))
        return
    for result in (*first.profiles, *second.profiles):
        if result.random_weights:
            typer.echo(f"WARNING: {result.label}: its figures do not describe the profile", err=True)
    _print(comparison)


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
