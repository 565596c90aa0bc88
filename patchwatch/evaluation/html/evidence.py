"""Alarms as an operator sees them: the frame, the region, each stream's share, and the nearest normal."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.evaluation.html.element import Markup, element, joined
from patchwatch.evaluation.html.figures import clock, share
from patchwatch.evaluation.html.picture import picture
from patchwatch.evaluation.html.summary import random_badge
from patchwatch.evaluation.report.evidence import AlarmEvidence, NearestMoment, StreamEvidence
from patchwatch.evaluation.report.profile_result import ProfileResult

_CAPTION = (
    "The highest alarms at the setting's budget, at their peaks. Of each alarm the streams that had most to do with "
    "it: their share of the score, the region they looked at (the first one in full, the second dashed), and the "
    "moments of the training clips that came nearest to it, with the place they were seen at."
)


def evidence(profiles: Sequence[ProfileResult]) -> Markup:
    """The alarms of each profile, explained."""
    parts = []
    for result in profiles:
        found = [_alarm(one) for one in result.evidence] or [element("p", "No alarm at this budget.")]
        parts += [element("h3", joined(result.profile, random_badge(result))), *found]
    heading = element("h2", "Alarms and what explains them")
    return element("section", heading, element("p", _CAPTION, class_="caption"), *parts)


def _alarm(one: AlarmEvidence) -> Markup:
    verdict = element("b", "false alarm", class_="warning") if one.false else "in a labelled range"
    words = joined(
        f"clip {one.clip}: opened at {clock(one.opened_s, step_s=0.1)}, peak {one.score:.2f} at "
        f"{clock(one.peak_s, step_s=0.1)}, ", verdict,
    )  # fmt: skip
    peak = element(
        "figure", picture(one.picture_jpeg, *(stream.box for stream in one.streams)), element("figcaption", words)
    )
    return element("div", peak, element("div", *map(_stream, one.streams)), class_="evidence")


def _stream(stream: StreamEvidence) -> Markup:
    head = element("p", element("b", stream.stream), f": {share(stream.contribution, 1)} of the score. Nearest normal:")
    return joined(head, element("div", *map(_nearest, stream.nearest), class_="nearest"))


def _nearest(near: NearestMoment) -> Markup:
    words = f"distance {near.distance:.2f}, clip {near.clip} at {clock(near.at_s, step_s=0.1)}"
    return element("figure", picture(near.picture_jpeg, near.box), element("figcaption", words))
