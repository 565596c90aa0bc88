"""What of a camera's pictures is no part of normal: transitions, and a view as long as nothing can be averaged."""

from __future__ import annotations

import json

from static_view import FPS, black, shots, view, watched

from models.frames.frame import Frame
from models.tampering.detector import TamperingDetector

VIEW = view()


def test_a_view_that_begins_again_is_no_part_of_normal_until_the_streams_have_something_to_average() -> None:
    watch = TamperingDetector()
    watched(watch, shots(VIEW, 15))
    began_s = 7200.0  # a recording that movement began, hours later
    wrong = [watch.observe(Frame(VIEW, began_s + n / FPS, discontinuity=n == 0)).wrong for n in range(4 * FPS)]
    assert wrong == [n < FPS for n in range(4 * FPS)]
    wrong = [watch.observe(Frame(VIEW, began_s + 4 + n / FPS, discontinuity=n == 0)).wrong for n in range(4 * FPS)]
    assert wrong == [n < FPS for n in range(4 * FPS)], "the camera was away for a moment"
    wrong = [
        watch.observe(Frame(VIEW, began_s + 8 + n / FPS, discontinuity=n == 0, cut=n == 0)).wrong
        for n in range(4 * FPS)
    ]
    assert wrong == [n < FPS for n in range(4 * FPS)]


def test_a_picture_in_transition_is_no_part_of_normal_while_it_settles() -> None:
    watch = TamperingDetector()
    watched(watch, shots(VIEW, 15) + shots(black(), 4, first=500))
    wrong = [watch.observe(Frame(shown, 19.0 + n / FPS)).wrong for n, shown in enumerate(shots(VIEW, 8, first=900))]
    assert all(wrong[: 3 * FPS]), "the cover, and three seconds after it"
    assert not any(wrong[6 * FPS :])


def test_whether_a_picture_is_wrong_survives_a_restart() -> None:
    watch, other = TamperingDetector(), TamperingDetector()
    watched(watch, shots(VIEW, 15))
    watch.observe(Frame(VIEW, 20.0, discontinuity=True))
    other.restore(json.loads(json.dumps(watch.state())))
    later = [(one.observe(Frame(VIEW, 20.0 + n / FPS)).wrong) for one in (watch, other) for n in range(1, 2 * FPS)]
    assert later[: 2 * FPS - 1] == later[2 * FPS - 1 :]
    assert any(later)
