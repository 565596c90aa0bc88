"""In a view that the bank does not know all is unusual; what departs from how that view mostly looks is told all the
same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from still_scene import FPS, PROFILE, places

from models.engine.usual_look import LEAST_SAMPLES, MOST_SAMPLES, SETTLED_S, UsualLook
from models.frames.frame import Features
from models.streams.place_stream import COLUMNS

DOOR = 9 * COLUMNS + 9


class Night:
    """A view that is another in all places, and what is seen of it."""

    def __init__(self) -> None:
        self.look, self.rng = UsualLook(PROFILE), np.random.default_rng(21)
        self.seen_s = 0.0

    def frame(self, **shown: Any) -> Features:
        return places(self.rng, nudged=True, **shown)

    def see(self, seconds: int, at_s: float = 0.0, **shown: Any) -> None:
        for n in range(seconds):
            self.look.take(self.seen_s, at_s + n, [self.frame(**shown)])
            self.seen_s += 1.0

    def departs(self, at_s: float, seconds: float = 10.0, **shown: Any) -> float:
        """For what share of the frames something departs."""
        return float(np.mean([
            self.look.departs([self.frame(**shown)], at_s + n / FPS) for n in range(round(seconds * FPS))
        ]))  # fmt: skip


@pytest.fixture
def night() -> Night:
    return Night()


def test_what_the_view_shows_all_the_time_does_not_depart_and_what_comes_does(night: Night) -> None:
    night.see(30)
    assert night.departs(1000.0) == 0
    assert night.departs(1100.0, person=DOOR) == 1
    assert night.departs(1200.0, box=True) == 1


def test_who_was_there_for_less_than_half_of_the_time_departs_and_who_was_for_longer_does_not(night: Night) -> None:
    night.see(14)
    night.see(8, 14.0, box=True)
    assert night.departs(1000.0, box=True) == 1
    assert night.departs(1100.0) == 0
    night.see(40, 3600.0, box=True)
    assert night.departs(5000.0, box=True) == 0


def test_who_comes_again_and_again_departs_each_time(night: Night) -> None:
    for look in range(12):
        night.see(12, 7200.0 * look, person=DOOR if look % 3 == 2 else None)
        assert not look or night.departs(7200.0 * look + 3600, person=DOOR) == 1


def test_as_long_as_too_little_was_seen_of_it_everything_departs(night: Night) -> None:
    night.see(LEAST_SAMPLES - 1)
    assert night.departs(1000.0) == 1
    night.see(1, 1010.0)
    assert night.departs(1011.0) == 1
    assert night.departs(1010.0 + SETTLED_S) < 0.5


def test_a_long_view_is_sampled_from_end_to_end_and_no_more_is_kept_than_that() -> None:
    look = UsualLook(PROFILE)
    for at_s in range(2000):
        look.take(float(at_s), float(at_s), [places(np.random.default_rng(1))])
    assert LEAST_SAMPLES <= len(look._samples) <= MOST_SAMPLES
    assert 2000.0 - look._samples[0].at_s > 500


def test_where_other_places_count_now_everything_departs_until_enough_was_seen_of_these(night: Night) -> None:
    night.see(9)
    here = np.arange(len(night.frame())) < 100
    some = [[night.frame().take(here)] for _ in range(9)]
    assert night.look.departs(some[0], 200.0)
    for n, frame in enumerate(some):
        night.look.take(night.seen_s + n, 300.0 + n, frame)
    assert not any(night.look.departs(frame, 500.0) for frame in some)
