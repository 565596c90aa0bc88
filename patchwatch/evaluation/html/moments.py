"""The frames judged worst, and what the streams cost."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.evaluation.html.element import Markup, element
from patchwatch.evaluation.html.figures import clock, share
from patchwatch.evaluation.html.picture import picture
from patchwatch.evaluation.html.table import Row, table
from patchwatch.evaluation.report.clip_result import ClipResult, MisjudgedFrame
from patchwatch.evaluation.report.profile_result import Cost, ProfileResult


def worst(profiles: Sequence[ProfileResult]) -> Markup:
    """Worst misses and worst false alarms of each profile, with the region that the stream looked at."""
    parts = []
    for result in profiles:
        clips = {clip.name: clip for clip in result.clips}
        for name, moments in (("misses", result.worst_misses), ("false alarms", result.worst_false_alarms)):
            pictures = [_moment(one, clips.get(one.clip)) for one in moments]
            parts += [element("h3", f"{result.label}: worst {name}"), element("div", *pictures, class_="pictures")]
    return element("section", element("h2", "Worst misses and worst false alarms"), *parts)


def costs(profiles: Sequence[ProfileResult]) -> Markup:
    """Processor time per frame, by shared input and stream."""
    columns = ("part", "ms per frame")
    groups = [(result.label, _cost(result.cost)) for result in profiles]
    return element("section", element("h2", "Cost"), table(columns, groups))


def _moment(moment: MisjudgedFrame, clip: ClipResult | None) -> Markup:
    driver = moment.driver or "no stream"
    words = f"clip {moment.clip}, {clock(moment.at_s, step_s=0.1)}: score {moment.score:.2f}, {driver}"
    if clip is not None:
        words += f"; {share(clip.anomalous, clip.frames)} of the clip is anomalous"
    return element("figure", picture(moment.picture_jpeg, moment.box), element("figcaption", words))


def _cost(cost: Cost) -> list[Row]:
    parts = {**{f"{name} (shared)": spent for name, spent in cost.shared_ms.items()}, **cost.streams_ms}
    parts |= {"scoring": cost.scoring_ms, "in all": cost.total_ms}
    rows = [Row(name, (f"{spent:.2f}",)) for name, spent in parts.items()]
    load = "" if cost.load_1min is None else f", load average {cost.load_1min:.1f}"
    rate = f"{cost.frames_per_second_per_core:.1f} frames/s per core on {cost.device}{load}"
    return [*rows, Row("rate", (rate,))]
