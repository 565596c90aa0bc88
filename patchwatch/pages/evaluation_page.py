"""The report of an evaluation as one HTML file: open it, print it, send it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from models.alarms.alarm_threshold import CONFIDENCE
from patchwatch.evaluation.report.formatting import alarm_budget, date_and_time, duration, percent, quantity
from patchwatch.evaluation.report.report import Report
from patchwatch.pages import charts
from patchwatch.pages.profile_summary import summarise
from patchwatch.pages.template_engine import render


def evaluation_page(report: Report) -> str:
    """The page of a report. Every text of the report is escaped."""
    return render(
        "evaluation/page.html",
        report=report,
        profiles=report.profiles,
        title=_title(report),
        facts=tuple(_facts(report)),
        summaries=tuple(summarise(result, report.cores) for result in report.profiles),
        clip_figures=tuple(charts.clip_figures(report.profiles)),
        charts=charts,
        confidence=CONFIDENCE,
    )


def _title(report: Report) -> str:
    profiles = _enumerated([result.label for result in report.profiles])
    return f"Evaluation of {profiles} on {_name(report.settings.test)}"


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    """What was evaluated, on what, with what. Folders are named without where they lie."""
    settings = report.settings
    rate = "" if settings.frame_rate is None else f"; folders of pictures count as {settings.frame_rate:g} a second"
    yield "Learnt from", f"{_name(settings.train)}{_training(report)}"
    yield "Tested on", f"{_name(settings.test)}{_testing(report)}"
    yield "Labels", f"{_name(settings.labels)} ({settings.label_format})"
    yield (
        "Frames analysed",
        f"{settings.analysis_fps:g} per second, at most {settings.max_side_px} px wide or high{rate}",
    )
    yield "Alarm setting", f"{alarm_budget(settings.false_alarms_per_day)} and camera"
    yield "Program", f"Patchwatch {report.version}{_commit(report.commit)}"
    yield "Run", date_and_time(report.created_at)
    yield "Machine", f"{report.cpu}, {quantity(report.cores, 'core')}"


def _training(report: Report) -> str:
    if not report.profiles:
        return ""
    training = report.profiles[0].training
    clips, frames = quantity(training.clips, "clip"), quantity(training.frames, "frame")
    return f": {clips}, {frames} analysed, {duration(training.seconds)}"


def _testing(report: Report) -> str:
    if not report.profiles:
        return ""
    clips, frames = report.profiles[0].clips, report.profiles[0].frames
    anomalous = percent(sum(clip.anomalous for clip in clips), frames)
    return f": {quantity(len(clips), 'clip')}, {quantity(frames, 'frame')}, {anomalous} of them anomalous"


def _commit(commit: str | None) -> str:
    if commit is None:
        return ""
    return f", commit {commit.removesuffix('+')}" + (" with local changes" if commit.endswith("+") else "")


def _name(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name or path


def _enumerated(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
