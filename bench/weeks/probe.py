"""A short course in place of weeks: a first day and night, then each kind of anomaly once by day and once by night.

It asks what the weeks take hours to tell: in which light anomalies are missed, and whether for their score, the level
or a condition of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.weeks.life import (
    ANOMALIES,
    DAY_S,
    FIRST_S,
    HOUR_S,
    INSTALLED_S,
    LASTS_S,
    Happening,
    Kind,
    Visit,
    happenings,
    visits,
)
from bench.weeks.painter import Painter
from bench.weeks.places import Place
from models.alarms.event_detector import AlertGate
from models.exemplars.provenance import thumbnail
from models.frames.frame import Frame
from models.tampering.detector import PictureCheck, TamperingDetector
from models.tampering.expectation import Expectation

DAYS = 2
_NIGHT_LOOKS_H = (20.5, 21.0, 21.5, 21.8, 23.0, 26.0)  # of the first night; two make it known, the others are learnt
_LOOK_S = 40.0
_BY_DAY_H, _BY_NIGHT_H = 9.5, 20.3  # of the second day, when the first of each is
_APART_H = 0.25
_BEFORE_S, _AFTER_S = 6.0, 2.0
_GATES_FPS = 2.5


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


def gates(place: Place, seed: int, days: int, look_s: float) -> list[dict[str, Any]]:
    """Of each happening of the weeks by infrared: whether an event could open in most of it, for a camera whose bank
    never comes to know the night. Pictures alone are judged, without networks."""
    script = happenings(place, seed, days)
    painter, watch = Painter(place, seed, script), TamperingDetector()
    beginning = [thumbnail(painter.picture(INSTALLED_S + 10.0 * n)) for n in range(8)]
    watch.expect(Expectation(beginning))
    found = []
    for visit in visits(place, script, seed, days, look_s):
        opened = [check.gate is AlertGate.OPEN for check in _checks(watch, painter, visit)]
        if visit.happening is not None and painter.is_dark(visit.happening.from_s):
            share = sum(opened) / len(opened)
            found.append({"day": visit.day + 1, "kind": visit.happening.kind.value, "open": round(share, 2)})
    return found


def _checks(watch: TamperingDetector, painter: Painter, visit: Visit) -> Iterator[PictureCheck]:
    for number in range(round((visit.until_s - visit.from_s) * _GATES_FPS)):
        at_s = visit.from_s + number / _GATES_FPS
        yield watch.observe(Frame(painter.picture(at_s), at_s, discontinuity=number == 0))
