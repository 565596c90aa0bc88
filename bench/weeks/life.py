"""What happens at a place over the weeks: who walks when, what comes every day, and what is an anomaly. Seeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from bench.weeks.places import Place
from patchwatch.demo.scene.person import Appearance

DAY_S, HOUR_S, MINUTE_S = 86_400.0, 3600.0, 60.0
INSTALLED_S = 9 * HOUR_S  # after Monday, 0:00: when the camera is switched on
CLEANER_HOUR, BURGLAR_HOUR, REPEATED_HOUR = 22, 3, 14
SUNRISE, SUNSET = 6.5, 19.5
LASTS_S, _CLEANS_S = 12.0, 14.0
_SATURDAY = 5
_LONGEST_WALK_S = 60.0


class Kind(StrEnum):
    """What a happening is. Those of `ANOMALIES` should alert, the others should not."""

    CLEANER = "cleaner"
    DELIVERY = "delivery"
    RAIN = "rain"
    NUDGE = "nudge"
    SHELF = "shelf"
    FALL = "fall"
    RUN = "run"
    LEFT = "left"
    NIGHT = "night"
    FORBIDDEN = "forbidden"
    VAN = "van"


ANOMALIES = (Kind.FALL, Kind.RUN, Kind.LEFT, Kind.NIGHT, Kind.FORBIDDEN, Kind.VAN)
LASTING = (Kind.NUDGE, Kind.SHELF)  # they change the picture for good


@dataclass(frozen=True)
class Happening:
    """``from_s``, ``until_s``: seconds after Monday, 0:00. ``number``: tells those of one kind apart."""

    kind: Kind
    from_s: float
    until_s: float
    number: int = 0

    @property
    def day(self) -> int:
        """From 0 on."""
        return int(self.from_s // DAY_S)

    @property
    def anomalous(self) -> bool:
        return self.kind in ANOMALIES


@dataclass(frozen=True)
class Walk:
    """Somebody's way along a path of the place."""

    from_s: float
    path: int
    backwards: bool
    speed_m_per_s: float
    appearance: Appearance


def weekend(at_s: float) -> bool:
    return int(at_s // DAY_S) % 7 >= _SATURDAY


def is_dark(place: Place, at_s: float) -> bool:
    """Whether its camera sees by its infrared lamp."""
    hour = at_s % DAY_S / HOUR_S
    if not place.indoor:
        return not SUNRISE <= hour < SUNSET
    if CLEANER_HOUR <= hour < CLEANER_HOUR + 0.25:
        return False  # the cleaner puts the light on
    return weekend(at_s) or not 7 <= hour < 20


def people_a_minute(place: Place, at_s: float) -> float:
    """How many set out, by hour and day: nobody at night, few at the weekend."""
    hour = at_s % DAY_S / HOUR_S
    if not 7 <= hour < 20:
        return 0.0
    share = (0.0 if place.indoor else 0.35) if weekend(at_s) else 1.0
    return place.busy * share * (1.0 if 8 <= hour < 18 else 0.4)


def walks(place: Place, seed: int, at_s: float) -> Iterator[Walk]:
    """Who may be on the way at a moment: a pure function, so that any moment can be drawn on its own."""
    first = int((at_s - _LONGEST_WALK_S) // MINUTE_S)
    for minute in range(max(0, first), int(at_s // MINUTE_S) + 1):
        yield from _of_minute(place, seed, minute)


@lru_cache(maxsize=64)
def _of_minute(place: Place, seed: int, minute: int) -> tuple[Walk, ...]:
    rng = np.random.default_rng([seed, 12, minute])
    count = int(rng.poisson(people_a_minute(place, minute * MINUTE_S)))
    return tuple([
        Walk(
            minute * MINUTE_S + float(rng.uniform(0, MINUTE_S)), int(rng.integers(len(place.paths))),
            bool(rng.random() < 0.5), float(np.clip(rng.normal(1.35, 0.12), 1.1, 1.6)), Appearance.draw(rng),
        )
        for _ in range(count)
    ])  # fmt: skip


def happenings(place: Place, seed: int, days: int, repeated: Kind | None = None) -> list[Happening]:
    """All of the weeks, by their beginning. From the second day on there is one anomaly a day. ``repeated``: it is the
    same each day, at the same hour, as of somebody who wants to be learnt."""
    rng = np.random.default_rng([seed, 13])
    found = [*_daily(place, rng, days), *_lasting(rng, days)]
    found += _anomalies(place, rng, days) if repeated is None else _same_each_day(repeated, rng, days)
    return sorted((one for one in found if one.from_s >= INSTALLED_S), key=lambda one: one.from_s)


def _daily(place: Place, rng: np.random.Generator, days: int) -> Iterator[Happening]:
    rainy = set(rng.choice(max(1, days), size=max(1, days // 5), replace=False).tolist())
    for day in range(days):
        at_s = day * DAY_S + CLEANER_HOUR * HOUR_S + float(rng.uniform(0, 8 * MINUTE_S))
        yield Happening(Kind.CLEANER, at_s, at_s + _CLEANS_S, day)
        at_s = day * DAY_S + 10.5 * HOUR_S + float(rng.uniform(-20, 20)) * MINUTE_S
        if not weekend(at_s):
            yield Happening(Kind.DELIVERY, at_s, at_s + LASTS_S, day)
        if day in rainy and not place.indoor:
            yield Happening(Kind.RAIN, day * DAY_S + 12 * HOUR_S, day * DAY_S + 18 * HOUR_S, day)


def _lasting(rng: np.random.Generator, days: int) -> Iterator[Happening]:
    for kind, first in ((Kind.NUDGE, 0.3), (Kind.SHELF, 0.6)):
        day = int(days * first) + int(rng.integers(3))
        at_s = day * DAY_S + 15.1 * HOUR_S
        if 0 < day < days:
            yield Happening(kind, at_s, days * DAY_S, day)


def _anomalies(place: Place, rng: np.random.Generator, days: int) -> Iterator[Happening]:
    possible = [kind for kind in ANOMALIES if kind is not Kind.VAN or place.vans]
    order = rng.permutation(len(possible))
    for day in range(1, days):
        kind = possible[order[day % len(possible)]]
        hour = BURGLAR_HOUR if kind is Kind.NIGHT else float(rng.uniform(8, 17))
        at_s = day * DAY_S + hour * HOUR_S + float(rng.uniform(0, 20)) * MINUTE_S
        yield Happening(kind, at_s, at_s + LASTS_S, day)


def _same_each_day(kind: Kind, rng: np.random.Generator, days: int) -> Iterator[Happening]:
    for day in range(1, days):
        hour = BURGLAR_HOUR if kind is Kind.NIGHT else REPEATED_HOUR
        at_s = day * DAY_S + hour * HOUR_S + float(rng.uniform(0, 8)) * MINUTE_S
        yield Happening(kind, at_s, at_s + LASTS_S)


@dataclass(frozen=True)
class Visit:
    """A stretch of time of which there is footage: ``happening`` None where it is an ordinary one."""

    from_s: float
    until_s: float
    happening: Happening | None = None

    @property
    def day(self) -> int:
        """From 0 on."""
        return int(self.from_s // DAY_S)


FIRST_S = 200.0  # of footage in one piece, when the camera is switched on
EVERY_S, ORDINARY_S = 3 * HOUR_S, 30.0
_BEFORE_S, _AFTER_S = 2.0, 2.0
FOLLOWED_S, FOLLOWED_EVERY_S = 80 * MINUTE_S, 10 * MINUTE_S


def visits(
    place: Place, all_happenings: list[Happening], seed: int, days: int, look_s: float = ORDINARY_S
) -> list[Visit]:
    """What is seen of the weeks, in order and disjoint: the beginning, ``look_s`` now and then, all happenings, and of
    what changed the picture for good as much as a memory keeps of a camera that is watched without a break: a look in
    ten minutes, until what lasts an hour has lasted, and again from where the other light first shows it."""
    rng = np.random.default_rng([seed, 14])
    found = [
        Visit(max(INSTALLED_S + FIRST_S, one.from_s - _BEFORE_S), one.until_s + _AFTER_S, one)
        for one in all_happenings
        if one.until_s - one.from_s < HOUR_S
    ]
    at_s = INSTALLED_S + FIRST_S
    while (at_s := at_s + EVERY_S) < days * DAY_S:
        start_s = at_s - float(rng.uniform(0, EVERY_S - 10 * MINUTE_S))
        visit = Visit(start_s, start_s + look_s)
        if _is_apart(visit, found):
            found.append(visit)
    for visit in _followed(place, all_happenings, days, look_s):
        if _is_apart(visit, found):
            found.append(visit)
    return [Visit(INSTALLED_S, INSTALLED_S + FIRST_S), *sorted(found, key=lambda one: one.from_s)]


def _is_apart(visit: Visit, others: list[Visit]) -> bool:
    return all(visit.until_s + 60 < one.from_s or one.until_s + 60 < visit.from_s for one in others)


def _followed(place: Place, all_happenings: list[Happening], days: int, look_s: float) -> Iterator[Visit]:
    for one in all_happenings:
        if one.kind not in LASTING:
            continue
        for begins_s in (one.from_s, _other_light_s(place, one.from_s)):
            for number in range(1, 1 + round(FOLLOWED_S / FOLLOWED_EVERY_S)):
                from_s = begins_s + number * FOLLOWED_EVERY_S
                if from_s + look_s < days * DAY_S:
                    yield Visit(from_s, from_s + look_s, one)


def _other_light_s(place: Place, since_s: float) -> float:
    """When it gets dark, or day, and stays so for an hour."""
    at_s = since_s
    while is_dark(place, since_s) in (is_dark(place, at_s), is_dark(place, at_s + HOUR_S)):
        at_s += 5 * MINUTE_S
    return at_s
