"""What a bank's pictures say of the view: day and night, however little there is of one of them."""

from __future__ import annotations

from static_view import infrared, noisy, view

from models.exemplars.provenance import thumbnail
from models.frames.frame import Frame
from models.tampering.expectation import Expectation
from models.tampering.signature import CHANGED, CHANGED_BACK, signature_of

VIEW = view()


def test_a_minute_of_night_among_an_hour_of_day_is_recognised() -> None:
    day = [thumbnail(noisy(VIEW, n)) for n in range(90)]
    night = [thumbnail(noisy(infrared(VIEW), n)) for n in range(2)]
    now = signature_of(Frame(noisy(infrared(VIEW), 99), 0.0))
    for known, recognised in ((day, False), (day[:70] + night + day[70:], True)):
        difference = Expectation(known).compare(now)
        assert (difference is not None and difference.changed < CHANGED_BACK) is recognised


def test_another_view_is_not() -> None:
    difference = Expectation([thumbnail(noisy(VIEW, n)) for n in range(20)]).compare(
        signature_of(Frame(VIEW[::-1, ::-1], 0.0))
    )
    assert difference is not None
    assert difference.changed >= CHANGED
