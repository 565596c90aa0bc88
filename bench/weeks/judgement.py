"""Holds a camera's alerts against what truly happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.weeks.impression import Impression
from bench.weeks.life import DAY_S, LASTING, Happening, Kind, Visit
from bench.weeks.statistics import poisson

FROM_DAY = 3  # false alarms are held against the budget: the first two days show a camera its first nights
_EARLY_S, _LATE_S = 2.0, 6.0  # smoothing and cooldown let an alert outlast what raised it
BROAD = (*LASTING, Kind.RAIN)  # much else happens meanwhile
INFRARED, ORDINARY, BEGINNING = "infrared", "ordinary", "beginning"


@dataclass(frozen=True)
class Raised:
    """An alert about the scene, in seconds after Monday, 0:00. ``until_s``: the end of its event. ``raised_s``: when
    people were told again, of a higher peak."""

    from_s: float
    opened_s: float
    until_s: float
    raised_s: tuple[float, ...] = ()

    def told_of_s(self, one: Happening) -> float | None:
        """When it first told people of something while that happened, or soon after; None where it was open before, and
        told nothing new."""
        told = [at_s for at_s in (self.opened_s, *self.raised_s) if one.from_s <= at_s <= one.until_s + _LATE_S]
        return min(told, default=None)


@dataclass(frozen=True)
class Truth:
    """What happened at a place, what was seen of it, and when its picture was infrared."""

    happenings: Sequence[Happening]
    visits: Sequence[Visit]
    is_dark: Callable[[float], bool]

    def cause(self, alert: Raised) -> str:
        """What an alert was about: the kind of a happening, or what else was special about the moment. About an anomaly
        only where it told of it: one that was open before is a false alarm."""
        about = [one for one in self.happenings if (_told(one, alert) if one.anomalous else _meet(one, alert))]
        about.sort(key=lambda one: (not one.anomalous, one.kind in BROAD, one.kind in LASTING))
        if about and about[0].kind not in BROAD:
            return about[0].kind.value
        if alert.from_s <= self.visits[0].until_s:
            return BEGINNING
        if self.is_dark(alert.from_s):
            return INFRARED
        return self._lasting(about, alert.from_s)

    def shows_anomaly(self, alert: Raised) -> bool:
        """Whether an anomaly happened while it was open: its operator sees that in the pictures, whoever was told."""
        return any(one.anomalous and _meet(one, alert) for one in self.happenings)

    def _lasting(self, about: Iterable[Happening], at_s: float) -> str:
        """Rain, or the first day of what changed the picture for good."""
        recent = [one for one in about if one.kind is Kind.RAIN or at_s - one.from_s < DAY_S]
        return recent[0].kind.value if recent else ORDINARY


def _meet(one: Happening, alert: Raised) -> bool:
    return one.from_s - _EARLY_S <= alert.until_s and alert.from_s <= one.until_s + _LATE_S


def _told(one: Happening, alert: Raised) -> bool:
    return alert.told_of_s(one) is not None


def judge(truth: Truth, alerts: Sequence[Raised], days: int) -> dict[str, Any]:
    """Of one camera: false alarms by day and cause, ordinary looks in alarm by day, and each anomaly's fate."""
    causes = [(truth.cause(alert), alert) for alert in alerts]
    anomalous = {one.kind.value for one in truth.happenings if one.anomalous}
    return {
        "days": [_day(day, truth, [(c, a) for c, a in causes if c not in anomalous]) for day in range(days)],
        "anomalies": [_fate(one, alerts, truth) for one in truth.happenings if one.anomalous],
        "cleaner_nights": [
            one.day + 1 for one in truth.happenings
            if one.kind is Kind.CLEANER and any(_meet(one, alert) for alert in alerts)
        ],
    }  # fmt: skip


def _day(day: int, truth: Truth, wrong: Sequence[tuple[str, Raised]]) -> dict[str, Any]:
    mine = [(cause, alert) for cause, alert in wrong if int(alert.from_s // DAY_S) == day]
    looks = [one for one in truth.visits[1:] if one.happening is None and one.day == day]
    alarmed = [one for one in looks if any(one.from_s <= alert.from_s <= one.until_s for _, alert in mine)]
    counts: dict[str, int] = {}
    for cause, _ in mine:
        counts[cause] = counts.get(cause, 0) + 1
    seen = [one for one in truth.visits if one.day == day]
    return {
        "day": day + 1, "false_alarms": counts, "looks": len(looks), "looks_in_alarm": len(alarmed),
        "seen_s": round(sum(one.until_s - one.from_s for one in seen)),
        "expected": [one.kind.value for one in truth.happenings if not one.anomalous and one.day == day],
    }  # fmt: skip


def _fate(one: Happening, alerts: Sequence[Raised], truth: Truth) -> dict[str, Any]:
    """``delay_s``: until the first alert told of it, None where none did. ``open_before``: an alert was open when it
    began. ``dark``: by infrared."""
    told = [at_s for alert in alerts if (at_s := alert.told_of_s(one)) is not None]
    return {
        "kind": one.kind.value, "day": one.day + 1, "dark": truth.is_dark(one.from_s), "found": bool(told),
        "delay_s": round(min(told) - one.from_s, 1) if told else None,
        "open_before": any(alert.opened_s < one.from_s <= alert.until_s for alert in alerts),
    }  # fmt: skip


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
