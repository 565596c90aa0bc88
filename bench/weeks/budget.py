"""Whether a camera's false alarms were as frequent as it said itself that they would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.weeks.impression import Impression
from bench.weeks.judgement import Raised
from bench.weeks.life import DAY_S, Visit
from bench.weeks.statistics import poisson

FROM_DAY = 3  # the first two days show it its first nights


def held_against_budget(
    visits: Sequence[Visit], impressions: Sequence[Impression], alerts: Sequence[Raised]
) -> dict[str, Any]:
    """Of its ordinary looks from the third day on: ``false_alarms``, and how many by what it ``stated`` of its levels,
    the 90 % interval as lowest, expected and highest number. ``within``: the interval of what was counted meets it."""
    ordinary = [
        (visit, seen) for visit, seen in zip(visits, impressions, strict=False)
        if visit.happening is None and visit.day + 1 >= FROM_DAY and seen.stated is not None
    ]  # fmt: skip
    count = sum(any(visit.from_s <= alert.from_s <= visit.until_s for visit, _ in ordinary) for alert in alerts)
    days = [(visit.until_s - visit.from_s) / DAY_S for visit, _ in ordinary]
    rates = [seen.stated for _, seen in ordinary if seen.stated is not None]
    low, expected, high = (
        sum(day * rate[n] for day, rate in zip(days, rates, strict=True)) for n in range(3)
    )  # fmt: skip
    _, least, most = poisson(count)
    return {
        "seen_h": round(24 * sum(days), 3), "false_alarms": count,
        "stated": [round(value, 3) for value in (low, expected, high)],
        "within": bool(least <= high and low <= most),
    }  # fmt: skip
