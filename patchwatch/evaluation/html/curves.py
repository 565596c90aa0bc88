"""ROC curves and score timelines as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from patchwatch.evaluation.html.element import Markup, element
from patchwatch.evaluation.html.figures import area, chosen, clock
from patchwatch.evaluation.report.clip_result import ClipResult, Timeline
from patchwatch.evaluation.report.profile_result import ProfileResult

_POINTS = 1500
_WIDTH, _HEIGHT, _STRIP = 1000, 150, 24
_RARITY_TOP = 6.0  # a strip's full height: one normal frame in a million


def roc(profiles: Sequence[ProfileResult]) -> Markup:
    """All profiles' curves of the service protocol."""
    lines = [
        element(
            "path", d=_path([(x * 400, (1 - y) * 400) for x, y in result.protocols.service.roc]), class_=f"line p{n}"
        )
        for n, result in enumerate(profiles)
    ]
    legend = [
        element("li", element("i", class_="swatch"), f"{result.label}: {_auroc(result)}", class_=f"p{n}")
        for n, result in enumerate(profiles)
    ]
    chance = element("path", d="M0 400 400 0", class_="chance")
    drawing = element("svg", chance, *lines, viewBox="-4 -4 408 408", class_="roc", role="img", aria_label="ROC curves")
    words = element("p", "Across: share of normal frames above a threshold; up: share of anomalous ones.")
    return element("section", element("h2", "ROC, service scores"), drawing, element("ul", *legend), words)


def _auroc(result: ProfileResult) -> str:
    return f"AUROC {area(result.protocols.service.micro_auroc)}"


def timelines(profiles: Sequence[ProfileResult]) -> Markup:
    """Every clip of every profile."""
    charts = [_chart(result, clip, n) for n, result in enumerate(profiles) for clip in result.clips]
    words = (
        "Shaded: labelled anomalous. Thick: service score; thin: unsmoothed; dashed: threshold. Bars on top: events."
    )
    return element("section", element("h2", "Score timelines"), element("p", words), *charts)


def kept(values: Sequence[float | None]) -> list[int]:
    """At most 1,500 positions: the lowest and highest of each run of neighbours; gaps count as lowest."""
    if len(values) <= _POINTS:
        return list(range(len(values)))
    numbers = np.array([-1.0 if value is None else value for value in values])
    parts = np.array_split(np.arange(len(values)), _POINTS // 2)
    return sorted({int(part[pick(numbers[part])]) for part in parts for pick in (np.argmin, np.argmax)})


def _chart(result: ProfileResult, clip: ClipResult, number: int) -> Markup:
    name = element("figcaption", f"{clip.name}, {result.label}: AUROC {area(clip.service)}")
    line = clip.timeline
    if line is None or not line.times_s:
        return element("figure", name, element("p", "The timeline was left out."))
    height = _HEIGHT + _STRIP * len(line.rarities) + 20
    parts = (
        *_truth(clip, line),
        *_scores(line),
        *_events(result, clip, line),
        *_strips(line),
        *_axis(clip, line, height),
    )
    drawing = element(
        "svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=f"Timeline of {clip.name}"
    )
    return element("figure", name, drawing, class_=f"p{number}")


def _x(line: Timeline, at_s: float) -> float:
    start_s = line.times_s[0]
    return _WIDTH * (at_s - start_s) / ((line.times_s[-1] - start_s) or 1.0)


def _truth(clip: ClipResult, line: Timeline) -> Iterator[Markup]:
    for event in clip.events:
        left, right = _x(line, event.starts_s), _x(line, event.ends_s)
        yield element("rect", x=left, y=0, width=max(2.0, right - left), height=_HEIGHT, class_="truth")


def _scores(line: Timeline) -> Iterator[Markup]:
    for values, kind in ((line.unsmoothed, "thin"), (line.service, "line")):
        points = [(_x(line, line.times_s[n]), _HEIGHT * (1 - values[n])) for n in kept(values)]
        yield element("path", d=_path(points), class_=kind)


def _events(result: ProfileResult, clip: ClipResult, line: Timeline) -> Iterator[Markup]:
    budget = chosen(result.budgets)
    if budget is None:
        return
    y = _HEIGHT * (1 - budget.on)
    yield element("path", d=_path([(0, y), (_WIDTH, y)]), class_="threshold")
    for alarm in clip.alarms:
        if alarm.budget == budget.name:
            left, right = _x(line, alarm.opened_s), _x(line, alarm.ended_s)
            kind = "false" if alarm.false else "event"
            title = element("title", f"{'false alarm' if alarm.false else 'event'} opened at {clock(alarm.opened_s)}")
            yield element("rect", title, x=left, y=0, width=max(3.0, right - left), height=6, class_=kind)


def _strips(line: Timeline) -> Iterator[Markup]:
    for n, (name, values) in enumerate(line.rarities.items()):
        base = _HEIGHT + _STRIP * (n + 1)
        bars = "".join(
            f"M{_x(line, line.times_s[at]):.1f} {base}v-{(_STRIP - 3) * min(value / _RARITY_TOP, 1.0):.1f}"
            for at in kept(values)
            if (value := values[at]) is not None
        )
        yield element("path", d=bars, class_="rarity")
        yield element("text", name, x=4, y=base - 6)


def _axis(clip: ClipResult, line: Timeline, height: int) -> Iterator[Markup]:
    for n in range(5):
        at = round(n * (len(line.times_s) - 1) / 4)
        frame = 1 + round((clip.frames - 1) * at / max(1, len(line.times_s) - 1))
        anchor = "start" if n == 0 else "end" if n == 4 else "middle"
        words = f"{clock(line.times_s[at], step_s=0.5)}, frame ~{frame}"
        yield element("text", words, x=_x(line, line.times_s[at]), y=height - 4, text_anchor=anchor)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""
