"""The budget of a site is kept, whatever its cameras do, and no camera can take it from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.site_budget import (
    LEAST,
    MOST,
    MOST_EXCESS,
    STEP_A_DAY,
    Allotment,
    CameraRecord,
    allot,
    liveliness,
    to_share,
)

PER_DAY = st.floats(0.01, 1000)
TOLERANCE = 1e-9


@st.composite
def sites(draw: st.DrawFn, least: int = 1) -> list[CameraRecord]:
    count = draw(st.integers(least, 12))
    return [
        CameraRecord(
            f"c{n}",
            draw(st.floats(0, 7)),
            draw(st.integers(0, 500)),
            draw(st.floats(0, 500)),
            draw(st.one_of(st.none(), st.none(), st.floats(0.001, 50))),
            draw(st.one_of(st.none(), st.floats(LEAST, MOST))),
            draw(st.floats(1, MOST_EXCESS)),
        )
        for n in range(count)
    ]


def kept(cameras: list[CameraRecord], allotments: dict[str, Allotment]) -> list[CameraRecord]:
    """The cameras as the next allotment finds them."""
    none = Allotment(1.0, 1.0)
    found = [(camera, allotments.get(camera.camera_id, none)) for camera in cameras]
    return [replace(camera, part=one.part, excess=one.excess) for camera, one in found]


@given(PER_DAY, sites(), st.floats(0, 30))
def test_the_sum_is_what_there_is_to_share(per_day: float, cameras: list[CameraRecord], days: float) -> None:
    allotments = allot(per_day, cameras, days)
    assert allotments.keys() == {camera.camera_id for camera in cameras if camera.own_per_day is None}
    if allotments:
        assert sum(one.per_day for one in allotments.values()) == pytest.approx(to_share(per_day, cameras))


@given(PER_DAY, sites(), st.floats(0, 30))
def test_no_camera_starves_and_none_has_it_all(per_day: float, cameras: list[CameraRecord], days: float) -> None:
    for one in allot(per_day, cameras, days).values():
        assert LEAST - TOLERANCE <= one.part <= MOST + TOLERANCE


@given(PER_DAY, sites(), st.floats(0, 2))
def test_a_day_changes_little(per_day: float, cameras: list[CameraRecord], days: float) -> None:
    present = allot(per_day, cameras, 0.0)
    next_ = allot(per_day, kept(cameras, present), days)
    for name, one in next_.items():
        assert abs(one.part - present[name].part) <= STEP_A_DAY * days + TOLERANCE
        most = (1 + STEP_A_DAY) ** days + TOLERANCE
        assert present[name].excess / most <= one.excess <= present[name].excess * most
        assert 1.0 <= one.excess <= MOST_EXCESS


@given(PER_DAY, sites(), st.data(), st.integers(1, 500), st.floats(0.01, 30))
def test_a_livelier_camera_never_gets_less(
    per_day: float, cameras: list[CameraRecord], data: st.DataObject, more: int, days: float
) -> None:
    chosen = data.draw(st.integers(0, len(cameras) - 1))
    one = cameras[chosen]
    livelier = [*cameras[:chosen], replace(one, alerts=one.alerts + more), *cameras[chosen + 1 :]]
    settled = 30.0  # long enough for the whole way
    before, after = (allot(per_day, group, settled) for group in (cameras, livelier))
    if one.own_per_day is None:
        assert after[one.camera_id].part >= before[one.camera_id].part - TOLERANCE
    else:
        assert after == before


@given(PER_DAY, PER_DAY, sites())
def test_a_larger_budget_is_larger_for_every_camera(one: float, other: float, cameras: list[CameraRecord]) -> None:
    low, high = sorted((one, other))
    for name, allotment in allot(low, cameras, 0.0).items():
        assert allotment.per_day <= allot(high, cameras, 0.0)[name].per_day + TOLERANCE


@given(PER_DAY, sites(least=2), st.integers(0, 11))
def test_when_a_camera_goes_the_others_share_what_it_had(
    per_day: float, cameras: list[CameraRecord], gone: int
) -> None:
    rest = [camera for n, camera in enumerate(cameras) if n != gone % len(cameras)]
    allotments = allot(per_day, kept(rest, allot(per_day, cameras, 1.0)), 0.0)
    if allotments:
        assert sum(one.per_day for one in allotments.values()) == pytest.approx(to_share(per_day, rest))
        assert all(LEAST - TOLERANCE <= one.part <= MOST + TOLERANCE for one in allotments.values())


def test_a_new_camera_begins_with_the_equal_share() -> None:
    cameras = [CameraRecord("a", 7, 9, 9.0, part=1.5), CameraRecord("b", 7, 0, part=0.5), CameraRecord("new")]
    assert allot(6.0, cameras, 0.0) == {"a": Allotment(2.0, 1.5), "b": Allotment(2.0, 0.5), "new": Allotment(2.0, 1.0)}


def test_a_camera_keeps_its_own_budget_and_the_others_share_the_rest() -> None:
    cameras = [CameraRecord("own", own_per_day=4.0), CameraRecord("a"), CameraRecord("b")]
    assert {name: one.per_day for name, one in allot(10.0, cameras, 1.0).items()} == {"a": 3.0, "b": 3.0}


def test_own_budgets_leave_a_tenth_to_the_others() -> None:
    cameras = [CameraRecord("own", own_per_day=40.0), CameraRecord("a"), CameraRecord("b")]
    assert allot(10.0, cameras, 1.0)["a"].per_day == 0.5


def test_a_noisy_camera_takes_from_the_calm_ones_by_and_by_and_never_all() -> None:
    cameras = [CameraRecord("noisy", 7, 700), *(CameraRecord(f"calm{n}", 7, 0) for n in range(5))]
    parts = []
    for _ in range(40):
        allotments = allot(6.0, cameras, 1.0)
        cameras = kept(cameras, allotments)
        parts.append(allotments["noisy"].part)
    assert parts[0] == pytest.approx(1.2)
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(4.0)
    assert allotments["calm0"].per_day == pytest.approx(0.4), "what the five others have left"


def lived(factors: Sequence[float], per_day: float, days: int, seed: int, *, shared: bool) -> float:
    """Unconfirmed alerts a day of a whole site, in the second half of so many days. Each camera alerts so many times as
    often as its level says. ``shared``: else each has the equal share for good."""
    random = np.random.default_rng(seed)
    spent: list[list[int]] = [[] for _ in factors]
    levels: list[list[float]] = [[] for _ in factors]
    cameras = [CameraRecord(f"c{n}") for n in range(len(factors))]
    for _ in range(days):
        allotments = allot(per_day, cameras, 1.0 if shared else 0.0)
        cameras = kept(cameras, allotments)
        for n, (camera, factor) in enumerate(zip(cameras, factors, strict=True)):
            levels[n].append(allotments[camera.camera_id].level_per_day)
            spent[n].append(int(random.poisson(factor * levels[n][-1])))
            week = slice(-7, None)
            watched, alerts, expected = len(spent[n][week]), sum(spent[n][week]), sum(levels[n][week])
            cameras[n] = replace(camera, watched_days=watched, alerts=alerts, expected=expected)
    return sum(sum(one[days // 2 :]) for one in spent) / (days - days // 2)


def test_the_site_keeps_its_budget_where_equal_shares_would_not() -> None:
    """Of six cameras one alerts four times as often as its level says, one twice as often, and three seldom."""
    factors = [4.0, 2.0, 1.0, 0.3, 0.1, 0.05]
    equal = np.mean([lived(factors, 6.0, 120, seed, shared=False) for seed in range(8)])
    shared = np.mean([lived(factors, 6.0, 120, seed, shared=True) for seed in range(8)])
    assert equal == pytest.approx(sum(factors), rel=0.05), "7.45, where 6 are accepted"
    assert shared == pytest.approx(6.0, rel=0.15)


def test_where_cameras_are_as_their_levels_say_nothing_much_changes() -> None:
    shared = np.mean([lived([1.0] * 6, 6.0, 120, seed, shared=True) for seed in range(8)])
    assert shared == pytest.approx(6.0, rel=0.15)


def test_a_camera_that_was_not_watched_is_an_average_one() -> None:
    assert liveliness(CameraRecord("off"), 1.0) == 1.0
    assert liveliness(CameraRecord("calm", watched_days=7), 1.0) < 0.3 < liveliness(CameraRecord("new", 1), 1.0)


@pytest.mark.parametrize(("per_day", "days"), [(0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (1.0, -0.1)])
def test_what_is_no_budget_is_refused(per_day: float, days: float) -> None:
    with pytest.raises(ValueError, match="a day"):
        allot(per_day, [CameraRecord("a")], days)
