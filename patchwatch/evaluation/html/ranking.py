"""Table of profiles and protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patchwatch.evaluation.html.element import Markup, element, joined
from patchwatch.evaluation.html.figures import NONE, area, areas
from patchwatch.evaluation.html.summary import random_badge
from patchwatch.evaluation.html.table import Row, table
from patchwatch.evaluation.report.profile_result import ProfileResult
from patchwatch.evaluation.report.protocol import Interval, Protocol

_COLUMNS = ("scores", "micro AUROC", "macro AUROC", "AUPR")
_CAPTION = (
    "Service is what a camera's operator gets. Unsmoothed shows what smoothing changes. Paper repeats what most "
    "publications report: it needs frames that are yet to come and all testing clips at once, so no live system can "
    "have it; compare it with published figures only. Intervals: 95 %, bootstrap over clips."
)


def ranking(profiles: Sequence[ProfileResult]) -> Markup:
    """How well each profile ranks frames, under each protocol."""
    groups = [(joined(result.profile, random_badge(result)), list(_rows(result))) for result in profiles]
    return element(
        "section",
        element("h2", "How well frames are ranked"),
        table(_COLUMNS, groups),
        element("p", _CAPTION, class_="caption"),
    )


def _rows(result: ProfileResult) -> Iterator[Row]:
    random = " random" if result.random_weights else ""
    three = (
        ("service", result.protocols.service),
        ("unsmoothed", result.protocols.unsmoothed),
        ("paper", result.protocols.paper),
    )
    for name, protocol in three:
        cells = (
            _area(protocol.micro_auroc, protocol.micro_auroc_95),
            _area(protocol.macro_auroc, protocol.macro_auroc_95),
            area(protocol.aupr),
        )
        yield Row(joined(name, *_marks(protocol), random_badge(result)), cells, name + random)


def _marks(protocol: Protocol) -> Iterator[Markup]:
    if protocol.looks_into_the_future:
        yield joined(" ", element("span", "looks into the future", class_="mark"))
    if protocol.normalised_over_testing_clips:
        yield joined(" ", element("span", "normalised over the test set", class_="mark"))


def _area(value: float | None, interval: Interval | None) -> Markup:
    if value is None:
        return joined(NONE)
    spread = None if interval is None else joined(" ", element("small", areas(interval)))
    return joined(element("b", area(value)), spread)
