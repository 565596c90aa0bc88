"""Frames become quarters of an hour in which something moved, nothing did, or nobody could see."""

from __future__ import annotations

import numpy as np
import pytest

from models.alarms.event_detector import AlertGate
from models.frames.frame import Features
from models.profiles.profile import load_profile
from patchwatch.messages.cameras.activity import (
    NOTHING,
    QUARTER_MS,
    QUARTERS,
    UNKNOWN,
    decoded_weeks,
    in_words,
    monday_of,
    place_of,
)
from workers.analysis.camera_activity import CameraActivity, with_changes

BEGAN = 2_000_000  # a quarter of Unix time


def features(speed: float) -> list[Features]:
    vectors = np.zeros((3, 8), np.float32)
    vectors[1, 2] = speed
    return [Features(vectors, np.zeros((3, 4), np.float32), np.arange(3, dtype=np.int32))]


@pytest.fixture
def activity() -> CameraActivity:
    return CameraActivity(load_profile("motion"))


def watched(
    activity: CameraActivity, quarter: int, moving_s: int, seen_s: int = 900, gate: AlertGate = AlertGate.OPEN
) -> None:
    """A quarter at a frame a second."""
    for n in range(seen_s):
        activity.add((BEGAN + quarter) * QUARTER_MS + n * 1000, features(0.1 if n < moving_s else 0.001), gate)


def values(activity: CameraActivity) -> dict[int, int]:
    return {quarter - BEGAN: value for quarter, value in activity.take_changes().items()}


def test_quarters_say_whether_something_moved_and_for_how_long(activity: CameraActivity) -> None:
    for quarter, moving_s in enumerate((0, 30, 900, 0)):
        watched(activity, quarter, moving_s)
    told = values(activity)
    assert told[0] == NOTHING
    assert NOTHING < told[1] < 12
    assert told[2] > 250
    assert 3 not in told, "it is not over"


def test_what_moves_is_told_at_once(activity: CameraActivity) -> None:
    watched(activity, 0, 5, seen_s=5)
    assert values(activity)[0] > NOTHING
    assert values(activity) == {}


@pytest.mark.parametrize("gate", [gate for gate in AlertGate if gate is not AlertGate.OPEN])
def test_a_picture_that_is_wrong_shows_nobody_what_moves(activity: CameraActivity, gate: AlertGate) -> None:
    watched(activity, 0, 900, gate=gate)
    watched(activity, 1, 0, seen_s=1)
    assert values(activity)[0] == UNKNOWN


def test_a_quarter_of_which_too_little_was_seen_is_not_known(activity: CameraActivity) -> None:
    watched(activity, 0, 0, seen_s=600)
    watched(activity, 1, 20, seen_s=600)
    watched(activity, 2, 0, seen_s=1)
    told = values(activity)
    assert told[0] == UNKNOWN
    assert told[1] > NOTHING, "that something moved is known however little was seen"


def test_a_muted_stream_knows_nothing(activity: CameraActivity) -> None:
    activity.muted = True
    watched(activity, 0, 900)
    watched(activity, 1, 0, seen_s=1)
    assert values(activity)[0] == UNKNOWN


def test_what_could_not_be_written_is_kept(activity: CameraActivity) -> None:
    watched(activity, 0, 0)
    watched(activity, 1, 5, seen_s=5)
    changes = activity.take_changes()
    activity.put_back(changes)
    assert activity.take_changes() == changes


def test_weeks_are_changed_where_they_differ_and_nothing_known_is_lost() -> None:
    week, place = place_of(BEGAN * QUARTER_MS)
    row = bytearray(QUARTERS)
    row[place] = 9
    changed = with_changes({week: bytes(row), week - 1: bytes(QUARTERS)}, {BEGAN: UNKNOWN, BEGAN + 1: NOTHING})
    later_week, later = place_of((BEGAN + 1) * QUARTER_MS)
    assert changed[week][place] == 9, "a worker that began within the quarter knows less"
    assert changed[later_week][later] == NOTHING
    assert week - 1 not in changed


def test_places_have_names_and_what_is_no_week_is_left_out() -> None:
    week, _ = place_of(BEGAN * QUARTER_MS)
    assert monday_of(week).weekday() == 0
    assert in_words(96 + 29) == "Tuesday 07:15"
    assert decoded_weeks({b"12": bytes(QUARTERS), b"x": bytes(QUARTERS), b"13": b"short"}) == {12: bytes(QUARTERS)}
