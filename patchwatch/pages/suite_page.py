"""The report of a suite as one HTML file, the worst scene first."""

from __future__ import annotations

from collections.abc import Iterator

from patchwatch.evaluation.report.formatting import alarm_budget, date_and_time, quantity
from patchwatch.evaluation.suite import cells
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, delay_at, false_alarms_at, in_time_at, recall_at
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SuiteReport
from patchwatch.pages.template_engine import render


def suite_page(report: SuiteReport) -> str:
    """The page of a report. Every text of the report is escaped."""
    return render(
        "suite/page.html",
        report=report,
        title=f"{quantity(len(report.scenes), 'scene')} of {report.settings.file}",
        facts=tuple(_facts(report)),
        cells=cells,
        areas=(*cells.AREAS, NORMAL_ABOVE),
        at_budget=(recall_at, in_time_at, delay_at, false_alarms_at),
    )


def _facts(report: SuiteReport) -> Iterator[tuple[str, str]]:
    settings = report.settings
    yield "Took part in the design", ", ".join(report.of_role(Role.DESIGN)) or "none"
    yield "Held out of it", ", ".join(report.of_role(Role.HELD_OUT)) or "none"
    if report.skipped:
        yield "Left out, not there", ", ".join(scene.name for scene in report.skipped)
    yield "Frames analysed", f"{settings.analysis_fps:g} per second, at most {settings.max_side_px} px wide or high"
    yield "Alarm setting", f"{alarm_budget(settings.false_alarms_per_day)} and camera"
    yield "Program", f"Patchwatch {report.version}, commit {report.commit or 'unknown'}"
    yield "Run", date_and_time(report.created_at)
    yield "Machine", f"{report.cpu}, {quantity(report.cores, 'core')}"
