"""What is remembered of an event, and where it ends."""

from __future__ import annotations

import pytest
from stretches import START_MS, some_stretch

from models.memory.event_footage import EventFootage
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion
from models.profiles.profile import StreamKind

FPS = 5
EVENT_MS = START_MS + 4000, START_MS + 8000  # of twelve seconds


def read(wrong: dict[int, Exclusion]) -> EventFootage | None:
    """With what is excluded, by the second of the stretch."""
    excluded = [wrong.get(n // FPS, NOT_EXCLUDED) for n in range(12 * FPS)]
    stretch = some_stretch(frames=12 * FPS, fps=FPS, excluded=excluded, kinds=(StreamKind.GLOBAL,))
    return EventFootage.read([stretch], *EVENT_MS)


def seconds(footage: EventFootage | None) -> list[float]:
    """Of the first and the last frame."""
    assert footage is not None
    return [round((footage.frames[n].at_ms - START_MS) / 1000, 1) for n in (0, -1)]


def test_it_reaches_five_seconds_to_each_side() -> None:
    assert seconds(read({})) == [0.0, 11.8]


def test_a_recording_that_movement_began_is_an_event_from_after_its_first_second() -> None:
    """Its transition is a condition of the picture, and lies within five seconds of the event."""
    assert seconds(read({0: Exclusion.CONDITION, 10: Exclusion.CONDITION})) == [1.0, 9.8]


@pytest.mark.parametrize("second", [4, 6])
def test_a_picture_that_was_wrong_in_the_event_is_none(second: int) -> None:
    assert read({second: Exclusion.CONDITION}) is None


@pytest.mark.parametrize("second", [1, 6, 11])
def test_what_an_operator_rejected_is_none_beside_the_event_too(second: int) -> None:
    assert read({second: Exclusion.REJECTED}) is None
