"""ROC curves and score timelines as shapes that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.clip_result import ClipResult, Timeline
from patchwatch.evaluation.report.formatting import area, clock
from patchwatch.evaluation.report.profile_result import ProfileResult
from patchwatch.evaluation.report.protocol import Point

ROC_SIDE = 400
WIDTH, HEIGHT = 1000, 150
_MAX_POINTS = 1500
_STRIP_HEIGHT, _AXIS_HEIGHT = 24, 20
_TICKS = 5
_FULL_STRIP_RARITY = 6.0  # One normal frame in a million fills a strip's height.


@dataclass(frozen=True)
class Bar:
    """A rectangle from the top of the chart: a labelled range, or an event with its ``title``."""

    x: float
    width: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Path:
    """SVG path data and the CSS class of the line."""

    data: str
    kind: str


@dataclass(frozen=True)
class Strip:
    """The rarities of one stream as thin bars, below the scores."""

    stream: str
    data: str
    label_y: int


@dataclass(frozen=True)
class Tick:
    """A label of the time axis."""

    text: str
    x: float
    anchor: str


@dataclass(frozen=True)
class TimelineChart:
    """One clip's scores over time. ``height`` is that of the whole drawing, scores, strips and axis."""

    height: int
    truth: tuple[Bar, ...]
    lines: tuple[Path, ...]
    events: tuple[Bar, ...]
    strips: tuple[Strip, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class ClipFigure:
    """A clip under one profile. ``colour`` is the profile's number; ``chart`` is None without a timeline."""

    clip: str
    caption: str
    colour: int
    chart: TimelineChart | None


def roc_path(points: Sequence[Point]) -> str:
    """An ROC curve as path data within a square of `ROC_SIDE`."""
    return _path([(x * ROC_SIDE, (1 - y) * ROC_SIDE) for x, y in points])


def clip_figures(profiles: Sequence[ProfileResult]) -> Iterator[ClipFigure]:
    """Every clip of every profile."""
    for colour, result in enumerate(profiles):
        for clip in result.clips:
            caption = f"{clip.name}, {result.label}: AUROC {area(clip.service)}"
            yield ClipFigure(clip.name, caption, colour, _chart(result, clip))


def thinned_positions(values: Sequence[float | None]) -> list[int]:
    """At most 1,500 positions: the lowest and highest of each run of neighbours; None counts as lowest."""
    if len(values) <= _MAX_POINTS:
        return list(range(len(values)))
    numbers = np.array([-1.0 if value is None else value for value in values])
    runs = np.array_split(np.arange(len(values)), _MAX_POINTS // 2)
    return sorted({int(run[pick(numbers[run])]) for run in runs for pick in (np.argmin, np.argmax)})


def _chart(result: ProfileResult, clip: ClipResult) -> TimelineChart | None:
    timeline = clip.timeline
    if timeline is None or not timeline.times_s:
        return None
    budget = result.main_budget
    threshold = () if budget is None else (_threshold(budget),)
    return TimelineChart(
        height=HEIGHT + _STRIP_HEIGHT * len(timeline.rarities) + _AXIS_HEIGHT,
        truth=tuple(_truth(clip, timeline)),
        lines=(*_scores(timeline), *threshold),
        events=() if budget is None else tuple(_events(budget, clip, timeline)),
        strips=tuple(_strips(timeline)),
        ticks=tuple(_ticks(clip, timeline)),
    )


def _x(timeline: Timeline, at_s: float) -> float:
    start_s = timeline.times_s[0]
    return WIDTH * (at_s - start_s) / ((timeline.times_s[-1] - start_s) or 1.0)


def _truth(clip: ClipResult, timeline: Timeline) -> Iterator[Bar]:
    for event in clip.events:
        left, right = _x(timeline, event.starts_s), _x(timeline, event.ends_s)
        yield Bar(left, max(2.0, right - left), "truth")


def _scores(timeline: Timeline) -> Iterator[Path]:
    for values, kind in ((timeline.unsmoothed, "thin"), (timeline.service, "line")):
        positions = thinned_positions(values)
        yield Path(_path([(_x(timeline, timeline.times_s[n]), HEIGHT * (1 - values[n])) for n in positions]), kind)


def _threshold(budget: BudgetResult) -> Path:
    y = HEIGHT * (1 - budget.on)
    return Path(_path([(0, y), (WIDTH, y)]), "threshold")


def _events(budget: BudgetResult, clip: ClipResult, timeline: Timeline) -> Iterator[Bar]:
    for alarm in clip.alarms:
        if alarm.budget != budget.name:
            continue
        left, right = _x(timeline, alarm.opened_s), _x(timeline, alarm.ended_s)
        kind, noun = ("false", "false alarm") if alarm.false else ("event", "event")
        yield Bar(left, max(3.0, right - left), kind, f"{noun} opened at {clock(alarm.opened_s, 0)}")


def _strips(timeline: Timeline) -> Iterator[Strip]:
    for number, (stream, rarities) in enumerate(timeline.rarities.items(), start=1):
        base = HEIGHT + _STRIP_HEIGHT * number
        data = "".join(
            f"M{_x(timeline, timeline.times_s[position]):.1f} {base}v-{_bar_height(rarity):.1f}"
            for position in thinned_positions(rarities)
            if (rarity := rarities[position]) is not None
        )
        yield Strip(stream, data, base - 6)


def _bar_height(rarity: float) -> float:
    return (_STRIP_HEIGHT - 3) * min(rarity / _FULL_STRIP_RARITY, 1.0)


def _ticks(clip: ClipResult, timeline: Timeline) -> Iterator[Tick]:
    last = len(timeline.times_s) - 1
    for number in range(_TICKS):
        position = round(number * last / (_TICKS - 1))
        frame = 1 + round((clip.frames - 1) * position / max(1, last))
        anchor = {0: "start", _TICKS - 1: "end"}.get(number, "middle")
        at_s = timeline.times_s[position]
        yield Tick(f"{clock(at_s)}, frame ~{frame}", _x(timeline, at_s), anchor)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""
