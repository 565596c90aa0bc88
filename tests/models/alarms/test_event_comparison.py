"""Events of two sides that overlap are of the same time; the others are gone or new."""

from __future__ import annotations

import pytest

from models.alarms.event_comparison import EventComparison
from models.alarms.event_detector import Event


def event(started_s: float, ended_s: float | None) -> Event:
    return Event(started_s, started_s, started_s, 0.9, None, None, ended_s)


@pytest.mark.parametrize(
    ("before", "after", "fewer", "more"),
    [
        ([(0, 5)], [(0, 5)], [], []),
        ([(0, 5)], [(5, 9)], [], []),
        ([(0, 5)], [(6, 9)], [0], [6]),
        ([(0, 5), (20, 25), (40, 45)], [(19, 26)], [0, 40], []),
        ([(0, 50)], [(1, 2), (30, 31), (60, 61)], [], [60]),
        ([(20, None)], [(10, 19), (20, 21)], [], [10]),
        ([], [(1, 2)], [], [1]),
    ],
)
def test_what_has_no_counterpart_is_listed(
    before: list[tuple[float, float | None]], after: list[tuple[float, float]], fewer: list[int], more: list[int]
) -> None:
    found = EventComparison.of([event(*times) for times in reversed(before)], [event(*times) for times in after])
    assert [gone.started_s for gone in found.fewer] == fewer
    assert [new.started_s for new in found.more] == more
    assert (len(found.before), len(found.after)) == (len(before), len(after))
