"""A running worker writes down when something moves before a camera that watches for absence, and of no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.messages.cameras.activity import NOTHING, decoded_weeks, place_of

Run = Callable[..., Any]
FRAMES = 40
START_MS = 1_800_000_000_000


def test_what_moves_is_written_down_where_somebody_asked_for_it(enrolled: Any, run_worker: Run, until: Run) -> None:
    week, quarter = place_of(START_MS)
    with run_worker(enrolled.settings):
        for n in range(FRAMES):
            enrolled.frame(n)
        until(lambda: enrolled.scored() == FRAMES)
        assert not enrolled.client.exists(enrolled.keys.activity)
        enrolled.add_camera(absence_chance=0.01)
        fed = FRAMES

        def written() -> bool:
            nonlocal fed
            enrolled.frame(fed)
            fed += 1
            until(lambda: enrolled.scored() == fed)
            return bool(enrolled.client.exists(enrolled.keys.activity))

        until(written)
    rows = decoded_weeks(enrolled.client.hgetall(enrolled.keys.activity))
    assert rows.keys() == {week}
    assert [place for place, value in enumerate(rows[week]) if value > NOTHING] == [quarter]
