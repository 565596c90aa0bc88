"""The same mover from frame to frame: its vectors are averaged, nobody else's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.frames.frame import HISTORY_S
from models.frames.tracks import Sighting, mean_along_tracks, recent

WINDOW_S = 0.6
Box = tuple[float, float, float, float]


def _walker(x: float, y: float = 0.0, width: float = 20.0, height: float = 40.0) -> Box:
    return x, y, x + width, y + height


def _sighting(at_s: float, *movers: tuple[Box, float], since_s: float | None = None) -> Sighting:
    boxes = np.array([box for box, _ in movers], np.float32).reshape(-1, 4)
    vectors = np.array([[value] for _, value in movers], np.float32).reshape(-1, 1)
    return Sighting(at_s - 0.2 if since_s is None else since_s, at_s, boxes, vectors)


def _means(seen: Sequence[Sighting], window_s: float = WINDOW_S) -> list[float]:
    return [float(mean) for mean in mean_along_tracks(seen, window_s)[:, 0]]


def _live(seen: Sequence[Sighting]) -> list[NDArray[np.float32]]:
    """Frame by frame, as a stream does it."""
    found: list[NDArray[np.float32]] = []
    memory: tuple[Sighting, ...] = ()
    for sighting in seen:
        memory = recent((*memory, sighting))
        found.append(mean_along_tracks(memory, WINDOW_S))
    return found


def test_a_mover_s_vectors_are_averaged_over_the_window() -> None:
    seen = [_sighting(n / 5, (_walker(5.0 * n), float(n))) for n in range(5)]
    assert _means(seen) == [3.0]  # of frames 2, 3 and 4
    assert _means(seen, 0.2) == [4.0]
    assert _means(seen[:1]) == [0.0]


def test_two_that_cross_keep_their_own() -> None:
    """One comes from the left, the other from the right, half its height nearer, and they swap places."""
    seen = [_sighting(n / 5, (_walker(10.0 * n, 0.0), 1.0), (_walker(90.0 - 10.0 * n, 24.0), 5.0)) for n in range(10)]
    for n in range(1, 11):
        assert _means(recent(seen[:n])) == pytest.approx([1.0, 5.0])


def test_each_box_goes_to_one_track_and_the_best_pairs_together_win() -> None:
    """The second box alone would take the first's track, with which it overlaps more than with its own."""
    first, second = _walker(0.0), _walker(16.0)
    before = _sighting(0.0, (first, 1.0), (second, 3.0))
    after = _sighting(0.2, (_walker(-6.0), 1.0), (_walker(7.0), 3.0))
    assert _means([before, after]) == [1.0, 3.0]


def test_the_order_of_the_boxes_does_not_matter() -> None:
    before = _sighting(0.0, (_walker(0.0), 1.0), (_walker(100.0), 5.0))
    after = _sighting(0.2, (_walker(102.0), 7.0), (_walker(2.0), 3.0))
    assert _means([before, after]) == [6.0, 2.0]


def test_who_comes_from_elsewhere_is_another() -> None:
    before, after = _sighting(0.0, (_walker(0.0), 1.0)), _sighting(0.2, (_walker(19.0), 5.0))
    assert _means([before, after]) == [5.0]


@pytest.mark.parametrize(("away_s", "mean"), [(0.4, 3.0), (0.55, 5.0)])
def test_who_is_out_of_sight_for_half_a_second_is_forgotten(away_s: float, mean: float) -> None:
    seen = [_sighting(0.0, (_walker(0.0), 1.0)), _sighting(0.2), _sighting(away_s, (_walker(2.0), 5.0))]
    assert _means(seen) == [mean]


def test_a_frame_without_movers_has_no_means() -> None:
    empty = Sighting(0.0, 0.2, np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32))
    assert mean_along_tracks([empty], WINDOW_S).shape == (0, 3)
    assert mean_along_tracks([_sighting(0.0, (_walker(0.0), 1.0)), _sighting(0.2)], WINDOW_S).shape == (0, 1)


def test_boxes_without_area_are_movers_of_their_own() -> None:
    flat = (5.0, 5.0, 5.0, 5.0)
    assert _means([_sighting(0.0, (flat, 1.0)), _sighting(0.2, (flat, 3.0))]) == [3.0]


def test_nothing_is_kept_that_no_later_frame_can_need() -> None:
    memory: tuple[Sighting, ...] = ()
    for n in range(500):
        memory = recent((*memory, _sighting(n / 25, (_walker(n % 50), 1.0))))
    assert len(memory) == 25


def test_what_was_measured_against_a_frame_that_a_restart_lacks_counts_only_in_its_own_frame() -> None:
    late = _sighting(2.1, (_walker(0.0), 9.0), since_s=0.6)
    assert _means(recent([late])) == [9.0]
    assert _means(recent([late, _sighting(2.55, (_walker(0.0), 1.0), since_s=2.1)])) == [1.0]


# A detector that sees now one, now the other of two that share a place, or both, or a shaken box.
_SEEN = st.lists(
    st.tuples(
        st.sampled_from([0.04, 0.2, 0.21, 0.4, 0.55, 1.0, 1.45]),
        st.lists(st.sampled_from([0.0, 4.0, 9.0, 14.0]), max_size=3, unique=True),
    ),
    min_size=8,
    max_size=30,
)


@settings(deadline=None, max_examples=150)
@given(seen=_SEEN, cut=st.integers(1, 29))
def test_a_camera_restarted_from_its_recent_frames_goes_on_with_equal_means(
    seen: list[tuple[float, list[float]]], cut: int
) -> None:
    times_s = np.round(np.cumsum([step for step, _ in seen]), 3).tolist()
    cut, sightings = min(cut, len(seen) - 1), []
    for n, (at_s, (step, places)) in enumerate(zip(times_s, seen, strict=True)):
        movers = [(_walker(x), float(100 * n + k)) for k, x in enumerate(places if n else [])]
        sightings.append(_sighting(at_s, *movers, since_s=round(at_s - step, 3)))
    first = next(n for n in range(cut) if times_s[n] >= times_s[cut - 1] - HISTORY_S)
    restarted = _live(sightings[first + 1 :])  # its first frame has none to be compared with
    for after, before in zip(restarted[::-1], _live(sightings)[cut:][::-1], strict=False):
        np.testing.assert_array_equal(after, before)


def test_two_that_hide_each_other_by_turns_are_followed_alike_after_a_restart() -> None:
    by_turns = [_sighting(n / 5, (_walker(9.0 * (n % 2)), float(n % 2))) for n in range(1, 40)]
    both = _sighting(0.0, (_walker(0.0), 0.0), (_walker(9.0), 1.0))
    whole, restarted = _live([both, *by_turns]), _live(by_turns[19:])
    np.testing.assert_array_equal(whole[-10:], restarted[-10:])
