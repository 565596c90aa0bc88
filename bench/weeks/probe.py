"""A short course in place of weeks: a first day and night, then each kind of anomaly once by day and once by night.

It asks what the weeks take hours to tell: in which light anomalies are missed, and whether for their score, the level
or a condition of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.weeks.life import ANOMALIES, DAY_S, FIRST_S, HOUR_S, INSTALLED_S, LASTS_S, Happening, Kind, Visit
from bench.weeks.places import Place

DAYS = 2
_NIGHT_LOOKS_H = (20.5, 21.0, 21.5, 21.8, 23.0, 26.0)  # of the first night; two make it known, the others are learnt
_LOOK_S = 40.0
_BY_DAY_H, _BY_NIGHT_H = 9.5, 20.3  # of the second day, when the first of each is
_APART_H = 0.25
_BEFORE_S, _AFTER_S = 6.0, 2.0


def anomalies(place: Place) -> list[Happening]:
    """Of each kind one by day and one by night, of people and things that were not there before."""
    return sorted(_anomalies(place), key=lambda one: one.from_s)


def _anomalies(place: Place) -> Iterator[Happening]:
    kinds = [kind for kind in ANOMALIES if kind is not Kind.VAN or place.vans]
    for light, first_h in enumerate((_BY_DAY_H, _BY_NIGHT_H)):
        for number, kind in enumerate(kinds):
            if kind is Kind.NIGHT and first_h == _BY_DAY_H:
                continue  # somebody who walks where people walk
            at_s = DAY_S + (first_h + _APART_H * number) * HOUR_S
            yield Happening(kind, at_s, at_s + LASTS_S, light)


def looks(happenings: list[Happening]) -> list[Visit]:
    """What is seen: the beginning, the first night, the anomalies."""
    found = [Visit(INSTALLED_S, INSTALLED_S + FIRST_S)]
    found += [Visit(hour * HOUR_S, hour * HOUR_S + _LOOK_S) for hour in _NIGHT_LOOKS_H]
    return found + [Visit(one.from_s - _BEFORE_S, one.until_s + _AFTER_S, one) for one in happenings]
