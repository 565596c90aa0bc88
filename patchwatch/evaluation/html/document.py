"""The whole page."""

from __future__ import annotations

from importlib.resources import files

from patchwatch.evaluation.html.alarms import alarms
from patchwatch.evaluation.html.curves import roc, timelines
from patchwatch.evaluation.html.element import Markup, element
from patchwatch.evaluation.html.evidence import evidence
from patchwatch.evaluation.html.heading import heading, title
from patchwatch.evaluation.html.moments import costs, worst
from patchwatch.evaluation.html.ranking import ranking
from patchwatch.evaluation.html.summary import card
from patchwatch.evaluation.report.report import Report

_GUIDE = (
    ("micro AUROC", "over all frames of all clips: how often an anomalous frame ranks above a normal one"),
    ("macro AUROC", "the mean of the AUROC within each clip that holds both classes"),
    ("AUPR", "average precision over all frames; depends on the share of anomalous ones"),
    ("event recall", "labelled events that an opened event overlaps, of all labelled events"),
    ("delay", "from the first labelled frame to the opening of the event that finds it"),
    (
        "protocols",
        "service: as live; unsmoothed: without smoothing; paper: looks into the future, normalised over the set",
    ),
    ("intervals", "95 %, bootstrap over clips"),
)


def document(report: Report) -> str:
    """A report as one HTML file without anything outside it. Every text of the report is escaped."""
    style = Markup(files("patchwatch.evaluation.html").joinpath("style.css").read_text())
    profiles = report.profiles
    head = element(
        "head", element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title(report)), element("style", style),
    )  # fmt: skip
    guide = element("dl", *(part for word, text in _GUIDE for part in (element("dt", word), element("dd", text))))
    body = element(
        "body", heading(report),
        element("section", *(card(result, n, report.cores) for n, result in enumerate(profiles))),
        ranking(profiles), alarms(profiles), evidence(profiles), roc(profiles), timelines(profiles), worst(profiles),
        costs(profiles),
        element("section", element("h2", "How to read this"), guide),
    )  # fmt: skip
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
