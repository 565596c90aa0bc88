"""What lasts is the least of a group's means over a time, and begins again where a view does."""

from __future__ import annotations

import json

import pytest

from models.profiles.lasting import LastingMeans


def lasted(lasting: LastingMeans, *means: float | None, start_s: float = 0.0) -> list[float | None]:
    """What lasts of the second of two groups, frame by frame at 5 fps."""
    return [lasting.add(start_s + n / 5, [9.0, mean])[2] for n, mean in enumerate(means)]


def test_what_passes_within_a_second_does_not_last() -> None:
    assert lasted(LastingMeans([(1, 1.0)]), 0.1, 5.0, 5.0, 5.0, 5.0, 0.2) == [0.1, 0.1, 0.1, 0.1, 0.1, 0.2]


def test_what_stays_for_a_second_lasts_from_then_on() -> None:
    assert lasted(LastingMeans([(1, 1.0)]), 0.1, 5.0, 4.0, 6.0, 5.0, 5.0, 7.0)[-3:] == [0.1, 4.0, 4.0]


def test_the_means_themselves_stay_as_they_are() -> None:
    assert LastingMeans([(1, 1.0), (0, 2.0)]).add(0.0, [1.0, None]) == [1.0, None, None, 1.0]


def test_silence_does_not_last_and_interrupts_nothing() -> None:
    assert lasted(LastingMeans([(1, 1.0)]), 5.0, None, 4.0) == [5.0, None, 4.0]


def test_a_clock_set_back_begins_again() -> None:
    lasting = LastingMeans([(1, 1.0)])
    assert lasted(lasting, 0.1, 0.1, start_s=50.0) == [0.1, 0.1]
    assert lasted(lasting, 5.0) == [5.0]


def test_no_more_is_remembered_than_counts() -> None:
    lasting = LastingMeans([(1, 1.0)])
    lasted(lasting, *[1.0] * 500)
    assert len(lasting.samples[0]) == 5


def test_a_stored_state_goes_on_exactly() -> None:
    first, second = LastingMeans([(1, 1.0)]), LastingMeans([(1, 1.0)])
    lasted(first, 0.1, 5.0, 4.0)
    second.restore(json.loads(json.dumps(first.samples)))
    assert lasted(second, 6.0, 6.0, 6.0, start_s=0.6) == lasted(first, 6.0, 6.0, 6.0, start_s=0.6) == [0.1, 0.1, 4.0]


@pytest.mark.parametrize(
    "stored",
    [[], [[], []], [[[1.0, 0.5], [0.8, 0.5]]], [[[1.0, -0.5]]], [[[1.0, float("inf")]]], [[[float("nan"), 1.0]]], [3]],
)
def test_a_state_that_is_none_is_refused(stored: list[object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        LastingMeans([(1, 1.0)]).restore(stored)  # type: ignore[arg-type]
