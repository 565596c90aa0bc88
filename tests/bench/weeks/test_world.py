"""The simulated weeks: drawn the same each time, seen in order, with what is written in their script."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bench.weeks import probe
from bench.weeks.life import (
    ANOMALIES,
    DAY_S,
    FIRST_S,
    HOUR_S,
    INSTALLED_S,
    LASTING,
    Happening,
    Kind,
    happenings,
    is_dark,
    people_a_minute,
    visits,
)
from bench.weeks.painter import Painter
from bench.weeks.places import HEIGHT, PLACES, WIDTH, Place

DAYS = 14
NOON_S, NIGHT_S = DAY_S + 12 * HOUR_S, DAY_S + 2 * HOUR_S
BY_NAME = {place.name: place for place in PLACES}


def quiet(place: Place, *script: Happening) -> Painter:
    """A place where nobody walks but who is written down."""
    painter = Painter(place, 3, script)
    painter._walkers = lambda at_s: []  # type: ignore[method-assign]
    return painter


def changed(one: np.ndarray, other: np.ndarray) -> float:
    """The share of the picture that differs by more than its noise."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(axis=2) > 40).mean())


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_picture_depends_on_seed_and_moment_alone(place: Place) -> None:
    script = happenings(place, 7, DAYS)
    first, again, other = (Painter(place, seed, script).picture(NOON_S) for seed in (7, 7, 8))
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_the_script_holds_a_cleaner_each_night_and_an_anomaly_each_day() -> None:
    for number, place in enumerate(PLACES):
        script = happenings(place, number, DAYS)
        cleaners = [one for one in script if one.kind is Kind.CLEANER]
        assert [one.day for one in cleaners] == list(range(DAYS))
        assert all(22 <= one.from_s % DAY_S / HOUR_S < 22.2 for one in cleaners)
        assert [one.day for one in script if one.anomalous] == list(range(1, DAYS))
        kinds = {one.kind for one in script if one.anomalous}
        assert kinds == set(ANOMALIES) - (set() if place.vans else {Kind.VAN})
        assert all(one.from_s % DAY_S < 4 * HOUR_S for one in script if one.kind is Kind.NIGHT)


def test_who_wants_to_be_learnt_comes_each_day_at_the_same_hour_and_looks_the_same() -> None:
    script = happenings(BY_NAME["yard"], 5, DAYS, Kind.FORBIDDEN)
    found = [one for one in script if one.anomalous]
    assert [(one.kind, one.number, one.day) for one in found] == [(Kind.FORBIDDEN, 0, day) for day in range(1, DAYS)]
    assert len({int(one.from_s % DAY_S // HOUR_S) for one in found}) == 1


@pytest.mark.parametrize("name", ["office", "yard"])
def test_a_probe_shows_each_kind_by_day_and_by_infrared(name: str) -> None:
    place = BY_NAME[name]
    script = probe.anomalies(place)
    seen, painter = probe.looks(script), Painter(place, 3, script)
    assert all(one.until_s < following.from_s for one, following in pairwise(seen))
    assert seen[-1].day < probe.DAYS
    kinds = set(ANOMALIES) - (set() if place.vans else {Kind.VAN})
    assert {one.kind for one in script if painter.is_dark(one.from_s)} == kinds
    assert {one.kind for one in script if not painter.is_dark(one.from_s)} == kinds - {Kind.NIGHT}


def test_all_happenings_are_seen_in_full_and_visits_are_disjoint() -> None:
    script = happenings(BY_NAME["yard"], 5, DAYS)
    seen = visits(BY_NAME["yard"], script, 5, DAYS)
    assert (seen[0].from_s, seen[0].until_s) == (INSTALLED_S, INSTALLED_S + FIRST_S)
    assert all(one.until_s < following.from_s for one, following in pairwise(seen))
    short = [one for one in script if one.until_s - one.from_s < HOUR_S]
    assert [visit.happening for visit in seen if visit.happening and visit.happening.kind not in LASTING] == short
    assert all(visit.until_s >= visit.happening.until_s for visit in seen if visit.happening in short)
    ordinary = sum(visit.happening is None for visit in seen[1:])
    assert 6 * DAYS < ordinary <= 8 * DAYS


@pytest.mark.parametrize("name", ["office", "yard"])
def test_what_changed_for_good_is_looked_at_until_it_has_lasted_and_again_in_the_other_light(name: str) -> None:
    place = BY_NAME[name]
    for number in range(4):
        script = happenings(place, number, DAYS)
        seen = visits(place, script, number, DAYS)
        for change in (one for one in script if one.kind in LASTING):
            looks = [one.from_s for one in seen if one.happening is change]
            lights = [[at_s for at_s in looks if is_dark(place, at_s) is dark] for dark in (False, True)]
            assert all(max(light) - min(light) > HOUR_S for light in lights if light), change
            assert all(lights) or change.until_s - change.from_s < 2 * DAY_S
            assert min(looks) - change.from_s < 30 * 60


def test_nobody_walks_at_night_and_few_at_the_weekend() -> None:
    yard, office = BY_NAME["yard"], BY_NAME["office"]
    assert people_a_minute(yard, NIGHT_S) == 0
    assert 0 < people_a_minute(yard, NOON_S + 4 * DAY_S) < people_a_minute(yard, NOON_S)
    assert people_a_minute(office, NOON_S + 4 * DAY_S) == 0


def test_the_night_is_infrared_and_the_cleaner_puts_the_light_on_indoors() -> None:
    yard, office = quiet(BY_NAME["yard"]), quiet(BY_NAME["office"])
    night = yard.picture(NIGHT_S).astype(int)
    assert np.abs(night[..., 0] - night[..., 2]).mean() < 8 < np.ptp(yard.picture(NOON_S).astype(int), axis=2).mean()
    assert office.is_dark(DAY_S + 21.5 * HOUR_S)
    assert not office.is_dark(DAY_S + 22.1 * HOUR_S)
    assert yard.is_dark(DAY_S + 22.1 * HOUR_S)


@pytest.mark.parametrize("kind", [Kind.CLEANER, Kind.DELIVERY, *ANOMALIES])
@pytest.mark.parametrize("name", ["yard", "road"])
def test_what_happens_can_be_seen(kind: Kind, name: str) -> None:
    place, at_s = BY_NAME[name], NOON_S
    painter, empty = quiet(place, Happening(kind, at_s, at_s + 14)), quiet(place)
    shares = [changed(painter.picture(at_s + n), empty.picture(at_s + n)) for n in range(1, 14)]
    assert max(shares) > 0.0004
    assert max(shares) < 0.2


def test_a_shelf_and_a_nudge_last_and_the_season_darkens() -> None:
    place = BY_NAME["office"]
    empty = quiet(place)
    for kind in (Kind.SHELF, Kind.NUDGE):
        painter = quiet(place, Happening(kind, NOON_S, 1e9))
        for later_s in (HOUR_S, 2 * DAY_S):
            at_s = NOON_S + later_s
            assert changed(painter.picture(at_s), empty.picture(at_s)) > 0.003
    late = quiet(place).picture(NOON_S + 10 * DAY_S).mean()
    assert late < 0.95 * empty.picture(NOON_S).mean()


def test_rain_falls_outdoors_only() -> None:
    scripts = {place.name: happenings(place, 4, DAYS) for place in PLACES}
    rains = {name: [one for one in script if one.kind is Kind.RAIN] for name, script in scripts.items()}
    assert all(bool(rains[place.name]) is not place.indoor for place in PLACES)
    rainy, dry = quiet(BY_NAME["gate"], Happening(Kind.RAIN, NOON_S, NOON_S + 9)), quiet(BY_NAME["gate"])
    assert changed(rainy.picture(NOON_S + 1), dry.picture(NOON_S + 1)) > 0.005
