"""A frame tells which privacy zones it was blackened for."""

from __future__ import annotations

from patchwatch.messages.cameras.zones.privacy_marks import covers, marks_of
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage

WINDOW = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
DOOR = ((0.6, 0.6), (0.9, 0.6), (0.9, 0.9))


def test_a_frame_is_fit_to_be_seen_when_it_hides_all_that_is_private_and_maybe_more() -> None:
    both = marks_of((WINDOW, DOOR))
    fit = [(both, b""), (both, marks_of((DOOR,))), (both, marks_of((DOOR, WINDOW))), (b"", b"")]
    unfit = [(b"", marks_of((DOOR,))), (marks_of((WINDOW,)), both), (marks_of((WINDOW,)), marks_of((DOOR,)))]
    assert [covers(*pair) for pair in fit + unfit] == 4 * [True] + 3 * [False]


def test_the_marks_travel_with_the_frame_and_cost_others_nothing() -> None:
    frame = FrameMessage(7, 1, 1, 64, 48, 64, 48, FrameFlag.LIVE, b"jpeg", hidden=marks_of((WINDOW,)))
    assert FrameMessage.decode(b"7-0", frame.encode()) == frame
    plain = FrameMessage(7, 1, 1, 64, 48, 64, 48, FrameFlag.LIVE, b"jpeg")
    assert plain.encode().keys() == {b"h", b"j"}
