"""A night that is seen in short looks becomes the usual view; a turn of the camera is told all the same."""

from __future__ import annotations

import json
from collections.abc import Iterable

from static_view import FPS, Picture, black, infrared, moved, shots, view

from models.alarms.event_detector import AlertGate
from models.exemplars.provenance import thumbnail
from models.frames.frame import Frame
from models.tampering.condition import Condition
from models.tampering.detector import PictureCheck, TamperingDetector
from models.tampering.expectation import Expectation
from models.tampering.other_view import KEPT_S

VIEW = view()
NIGHT = infrared(VIEW)
HOUR_S = 3600.0
LOOK_S = 12


def look(watch: TamperingDetector, picture: Picture, began_s: float, seconds: int = LOOK_S) -> list[PictureCheck]:
    """As of a recording that movement began."""
    shown = shots(picture, seconds, first=round(began_s))
    return [watch.observe(Frame(one, began_s + n / FPS, discontinuity=n == 0)) for n, one in enumerate(shown)]


def opened(checks: Iterable[PictureCheck]) -> list[Condition]:
    return [change for check in checks for change in check.changes if change.ended_s is None]


def by_day() -> TamperingDetector:
    watch = TamperingDetector()
    look(watch, VIEW, 0.0, 30)
    return watch


def test_a_night_in_short_looks_is_told_once_and_then_usual() -> None:
    watch = by_day()
    assert len(opened(look(watch, NIGHT, 10 * HOUR_S))) == 1, "it may be anything"
    assert len(opened(look(watch, NIGHT, 11 * HOUR_S))) == 1, "whoever turns a camera is seen twice"
    third = look(watch, NIGHT, 13 * HOUR_S)
    assert opened(third) == []
    assert all(check.gate is AlertGate.OPEN for check in third[4 * FPS :]), "anomalies alert by night"
    assert not any(check.wrong for check in third[2 * FPS :]), "and the night is learnt"


def test_a_look_soon_after_tells_nothing_new() -> None:
    watch = by_day()
    look(watch, NIGHT, 10 * HOUR_S)
    look(watch, NIGHT, 10 * HOUR_S + 60)
    assert len(opened(look(watch, NIGHT, 10 * HOUR_S + 120))) == 1


def test_light_that_is_put_on_in_between_does_not_begin_it_anew() -> None:
    """A cleaner shows the day twice a night: without the night being remembered meanwhile, it never became usual."""
    watch = by_day()
    look(watch, NIGHT, 10 * HOUR_S)
    look(watch, VIEW, 11 * HOUR_S)
    assert len(opened(look(watch, NIGHT, 12 * HOUR_S))) == 1, "whoever turns a camera is seen twice"
    look(watch, VIEW, 13 * HOUR_S)
    assert opened(look(watch, NIGHT, 14 * HOUR_S)) == []


def test_what_was_not_seen_for_two_nights_begins_anew() -> None:
    watch = by_day()
    for began_s in (10 * HOUR_S, 11 * HOUR_S):
        look(watch, NIGHT, began_s)
    look(watch, VIEW, 20 * HOUR_S)
    assert len(opened(look(watch, NIGHT, 12 * HOUR_S + KEPT_S + 2 * LOOK_S))) == 1


def test_a_night_that_became_usual_is_so_on_the_next_evening_although_the_bank_knows_the_day_alone() -> None:
    watch = by_day()
    watch.expect(Expectation([thumbnail(VIEW)]))
    for began_s in (10 * HOUR_S, 11 * HOUR_S, 13 * HOUR_S):
        look(watch, NIGHT, began_s)
    assert opened(look(watch, VIEW, 20 * HOUR_S)) == []
    assert opened(look(watch, NIGHT, 34 * HOUR_S)) == []


def test_a_third_view_in_between_begins_it_anew() -> None:
    watch = by_day()
    for began_s in (10 * HOUR_S, 11 * HOUR_S):
        look(watch, moved(VIEW), began_s)
    assert len(opened(look(watch, NIGHT, 13 * HOUR_S))) == 1


def test_a_cover_never_becomes_usual_so() -> None:
    watch = by_day()
    look(watch, black(), 10 * HOUR_S)
    look(watch, black(), 11 * HOUR_S)
    assert len(opened(look(watch, black(), 13 * HOUR_S))) == 1


def test_a_restart_between_two_looks_changes_nothing() -> None:
    watch, other = by_day(), TamperingDetector()
    look(watch, NIGHT, 10 * HOUR_S)
    look(watch, NIGHT, 11 * HOUR_S)
    stored = json.dumps(watch.state())
    assert len(stored) < 11_000
    other.restore(json.loads(stored))
    assert look(watch, NIGHT, 13 * HOUR_S) == look(other, NIGHT, 13 * HOUR_S)
