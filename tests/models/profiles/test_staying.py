"""What stays at its place is the least of each place's distances over a time, which what passes does not raise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
from models.profiles.staying import CAME_WITHIN_S, Staying, StayingPlaces

PLACES = 4
ALL = np.arange(PLACES, dtype=np.int32)


def stayed(places: StayingPlaces, *frames: list[float], start_s: float = 0.0, fps: float = 5.0) -> list[Staying | None]:
    """Frame by frame; an empty one has no regions."""
    return [
        places.add(start_s + n / fps, ALL[: len(frame)], np.array(frame, np.float32)) for n, frame in enumerate(frames)
    ]


def passing(steps: int) -> list[list[float]]:
    """Somebody who is two frames at each place, as far from normal as can be."""
    return [[9.0 if n // 2 % PLACES == place else 0.5 for place in range(PLACES)] for n in range(steps)]


def test_who_passes_stays_nowhere_however_far_from_normal() -> None:
    assert [one.distance for one in stayed(StayingPlaces(1.0, PLACES), *passing(20)) if one] == [0.5] * 15


def test_what_lies_there_stays_from_then_on_at_the_least_it_has_been() -> None:
    frames = [[0.5] * PLACES] * 5 + [[0.5, 0.5, far, 0.5] for far in (3.0, 2.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0)]
    assert [one and one.distance for one in stayed(StayingPlaces(1.0, PLACES), *frames)][-4:] == [0.5, 2.0, 2.0, 3.0]
    last = stayed(StayingPlaces(1.0, PLACES), *frames)[-1]
    assert last == Staying(3.0, 2)


@pytest.mark.parametrize("fps", [1.0, 2.0, 5.0, 12.5, 25.0])
def test_nothing_is_known_to_stay_before_it_was_seen_for_so_long(fps: float) -> None:
    silent = [one is None for one in stayed(StayingPlaces(3.0, PLACES), *[[1.0] * PLACES] * 200, fps=fps)]
    assert silent.index(False) == pytest.approx(2.9 * fps, abs=1)
    assert not any(silent[silent.index(False) :])


def test_a_frame_without_regions_and_a_clock_set_back_begin_again() -> None:
    for second in (stayed(places := StayingPlaces(1.0, PLACES), *[[1.0] * PLACES] * 9, []), []):
        assert second == [] or second[-1] is None
        assert stayed(places, *[[1.0] * PLACES] * 4, start_s=1.8) == [None] * 4
        places.clear()
    places = StayingPlaces(1.0, PLACES)
    stayed(places, *[[1.0] * PLACES] * 9, start_s=100.0)
    assert stayed(places, *[[1.0] * PLACES] * 4, start_s=5.0) == [None] * 4
    stayed(places, *[[1.0] * PLACES] * 9, start_s=10.0)
    assert stayed(places, *[[1.0] * PLACES] * 4, start_s=10.5) == [None] * 4, "though it looked the same all along"


def test_a_place_that_does_not_count_in_a_frame_stays_nothing() -> None:
    places = StayingPlaces(1.0, PLACES)
    stayed(places, *[[1.0, 1.0, 1.0, 7.0]] * 5)
    assert places.add(1.0, ALL[:3], np.array([1.0, 2.0, 1.0], np.float32)) == Staying(1.0, 0)


@given(
    st.lists(
        st.lists(st.sampled_from([0.25, 1.0, 2.5, 4.0]), min_size=PLACES, max_size=PLACES), min_size=8, max_size=40
    ),
    st.integers(1, 30),
)
def test_what_is_over_the_least_that_counts_is_the_same_as_without_one_over_a_restart(
    frames: list[list[float]], cut: int
) -> None:
    """As live and while a bank is learnt, of what came while it was watched."""
    frames = [[0.25] * PLACES, *frames]
    whole = stayed(StayingPlaces(1.0, PLACES), *frames)
    first = StayingPlaces(1.0, PLACES, least=1.0)
    got = stayed(first, *frames[:cut])
    second = StayingPlaces(1.0, PLACES, least=1.0)
    second.restore(*json.loads(json.dumps(first.state())))
    got += stayed(second, *frames[cut:], start_s=cut / 5)
    assert [one for one in whole if one and one.distance > 1.0] == [one for one in got if one and one.distance > 1.0]
    assert [one is None for one in whole] == [one is None for one in got]


def test_what_is_usual_costs_the_state_nothing() -> None:
    places = StayingPlaces(3.0, PLACES, least=1.0)
    stayed(places, *[[0.5, 0.25, 1.0, noise] for noise in np.linspace(0.1, 0.9, 500)])
    assert places.state() == [499 / 5, [], [], [[0.0, [], []]]]


GOOD = [2.0, [1], [1.5], [[1.0, [1, 2], [1.5, 2.0]], [2.0, [1], [1.5]]]]


@pytest.mark.parametrize(
    ("part", "stored"),
    [(3, [[0.0, [PLACES], [1.0]]]), (3, [[0.0, [-1], [1.0]]]), (3, [[0.0, [1], [float("nan")]]]),
     (3, [[0.0, [1], [-1.0]]]), (3, [[2.0, [], []], [1.0, [], []]]), (3, [[0.0, [1, 2], [1.0]]]),
     (3, [[float("inf"), [], []]]), (0, float("nan")), (1, [PLACES]), (1, [1, 2]), (1, [1.5]), (2, [-1.0]),
     (3, [[0.0, [1.5], [1.0]]])],
)  # fmt: skip
def test_a_state_that_cannot_be_is_refused(part: int, stored: object) -> None:
    StayingPlaces(1.0, PLACES).restore(*GOOD)  # type: ignore[arg-type]
    wrong = [stored if n == part else good for n, good in enumerate(GOOD)]
    with pytest.raises(ValueError, match=r"stored|argument"):
        StayingPlaces(1.0, PLACES).restore(*wrong)  # type: ignore[arg-type]


# What came, and what was there ---------------------------------------------------------------------------------------


def test_what_a_view_began_with_and_what_came_long_ago_count_no_more() -> None:
    far, near = [0.5, 0.5, 3.0, 0.5], [0.5] * PLACES
    there = StayingPlaces(1.0, PLACES, least=1.0)
    assert {one.distance for one in stayed(there, *[far] * 50) if one} == {0.0}
    came = StayingPlaces(1.0, PLACES, least=1.0)
    stayed(came, *[near] * 5)
    counted = [bool(one and one.distance) for one in stayed(came, *[far] * 500, start_s=1.0)]
    assert counted.index(True) == pytest.approx(5, abs=1)
    assert sum(counted) / 5 == pytest.approx(CAME_WITHIN_S - 1.0, abs=0.5)
    assert not any(counted[400:])


# How a profile says so ---------------------------------------------------------------------------------------------

PLACE = StreamSpec("place", StreamKind.PLACE, 1.0, group="place", lasting_s=1.0, staying_s=3.0)
MOTION = StreamSpec("motion", StreamKind.MOTION, 1.0, group="behaviour")


def test_it_is_compared_with_the_groups_in_its_tail_and_has_a_part_of_the_budget() -> None:
    profile = Profile("mine", Fusion.CALIBRATED, (MOTION, PLACE))
    assert profile.compared == ((0,), (1,), (1,), (1,))
    assert profile.only_in_tail == {3}
    assert profile.shares_of_budget(24.0) == (6.0,) * 4
    assert profile.readings == ("motion", "place", "place:staying")


@pytest.mark.parametrize("staying_s", [-1.0, 11.0, float("nan")])
def test_a_time_that_cannot_be_is_refused(staying_s: float) -> None:
    with pytest.raises(ValueError, match="staying_s is from 0 to 10 seconds"):
        StreamSpec("place", StreamKind.PLACE, 1.0, staying_s=staying_s)


def test_only_places_can_have_it_and_raw_distances_cannot_be_compared_with_it() -> None:
    with pytest.raises(ValueError, match="only a stream of kind place can"):
        StreamSpec("motion", StreamKind.MOTION, 1.0, staying_s=3.0)
    with pytest.raises(ValueError, match="raw distances of groups cannot be compared"):
        Profile("mine", Fusion.DISTANCE, (StreamSpec("place", StreamKind.PLACE, 1.0, staying_s=3.0),))
