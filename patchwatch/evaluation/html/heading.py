"""What was evaluated, on what, with what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from patchwatch.evaluation.html.element import Markup, element
from patchwatch.evaluation.html.figures import counted, footage, moment, per_day, share
from patchwatch.evaluation.report.report import Report


def title(report: Report) -> str:
    """One line: profiles and folders."""
    return f"Evaluation of {_listed([result.label for result in report.profiles])} on {_name(report.settings.test)}"


def heading(report: Report) -> Markup:
    """Title and facts. Folders are named without where they lie."""
    return element(
        "header",
        element("p", "Patchwatch evaluation", class_="kicker"),
        element("h1", title(report)),
        element("dl", *(_fact(name, text) for name, text in _facts(report)), class_="facts"),
    )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    settings = report.settings
    yield "Learnt from", f"{_name(settings.train)}{_learnt(report)}"
    yield "Tested on", f"{_name(settings.test)}{_tested(report)}"
    yield "Labels", f"{_name(settings.labels)} ({settings.label_format})"
    rate = "" if settings.frame_rate is None else f"; folders of pictures count as {settings.frame_rate:g} a second"
    yield (
        "Frames analysed",
        f"{settings.analysis_fps:g} per second, at most {settings.max_side_px} px wide or high{rate}",
    )
    yield "Alarm setting", f"{per_day(settings.false_alarms_per_day)} and camera"
    yield "Program", f"Patchwatch {report.version}{_commit(report.commit)}"
    yield "Run", moment(report.created_at)
    yield "Machine", f"{report.cpu}, {counted(report.cores, 'core')}"


def _learnt(report: Report) -> str:
    if not report.profiles:
        return ""
    training = report.profiles[0].training
    clips, frames = counted(training.clips, "clip"), counted(training.frames, "frame")
    return f": {clips}, {frames} analysed, {footage(training.seconds)}"


def _tested(report: Report) -> str:
    if not report.profiles:
        return ""
    clips, frames = report.profiles[0].clips, report.profiles[0].frames
    anomalous = sum(clip.anomalous for clip in clips)
    return f": {counted(len(clips), 'clip')}, {counted(frames, 'frame')}, {share(anomalous, frames)} of them anomalous"


def _commit(commit: str | None) -> str:
    if commit is None:
        return ""
    return f", commit {commit.removesuffix('+')}" + (" with local changes" if commit.endswith("+") else "")


def _name(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name or path


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"


def _fact(name: str, text: str) -> Markup:
    return element("div", element("dt", name), element("dd", text))
