"""A change of the scene that stands still and stays is found; what moves, passes, or was rejected is none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from still_scene import SHELF, bank, stretch

from models.memory.lasting_change import LASTS_MS, SUSPECTED_MS, LastingChange, find_change
from models.memory.spans import SpanMs
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch
from models.streams.place_stream import COLUMNS, ROWS

NOON_MS = 1_800_000_000_000
MINUTE_MS = 60_000


class Memory:
    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore(folder, 64)

    def add(self, stretches: Iterable[Stretch]) -> None:
        for one in stretches:
            self.store.append(one)

    def change(self, rejected_ms: tuple[SpanMs, ...] = (), after_ms: int = 0) -> LastingChange | None:
        infos = self.store.infos()
        return find_change(bank(), bank().rule, infos, self.store.read, rejected_ms, after_ms=after_ms)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    known = Memory(tmp_path / "memory")
    known.add(stretch(NOON_MS - n * 10 * MINUTE_MS) for n in (3, 2, 1))
    return known


def at(*minutes: float) -> list[int]:
    return [NOON_MS + round(minute * MINUTE_MS) for minute in minutes]


def test_a_shelf_is_pending_after_some_minutes_and_has_lasted_after_an_hour(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True) for at_ms in at(0, 5))
    assert memory.change() is None, "five minutes may be anything"
    memory.add([stretch(*at(15), shelf=True)])
    pending = memory.change()
    assert pending is not None
    assert (pending.since_ms, pending.shift, pending.rejected, pending.has_lasted(LASTS_MS)) == (
        NOON_MS,
        None,
        False,
        False,
    )
    memory.add(stretch(at_ms, shelf=True) for at_ms in at(40, 61))
    lasting = memory.change()
    assert lasting is not None
    assert lasting.has_lasted(LASTS_MS - SUSPECTED_MS)
    assert not lasting.has_lasted(0), "nobody could look at it"
    assert lasting.lasted_ms >= LASTS_MS
    rows, columns = np.divmod(SHELF, COLUMNS)
    expected = columns.min() / COLUMNS, rows.min() / ROWS, (columns.max() + 1) / COLUMNS, (rows.max() + 1) / ROWS
    assert lasting.box == pytest.approx(expected)


def test_what_belongs_to_it_and_alarms_only_now_and_then_keeps_it_from_nothing(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True, shaded=True) for at_ms in at(0, 20, 40, 61))
    change = memory.change()
    assert change is not None
    assert (change.since_ms, change.has_lasted(LASTS_MS)) == (NOON_MS, True)


def test_whoever_passes_meanwhile_is_not_learnt_with_it(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True, walks=at_ms == at(30)[0]) for at_ms in at(0, 15, 30, 45, 61))
    change = memory.change()
    assert change is not None
    assert change.has_lasted(LASTS_MS)
    assert not any(from_ms <= at(30)[0] <= until_ms for from_ms, until_ms in change.spans)


def test_somebody_who_stays_and_what_passes_now_and_then_are_no_change(memory: Memory) -> None:
    memory.add(stretch(at_ms, stands=9 * COLUMNS + 9) for at_ms in at(0, 20, 40, 61))
    assert memory.change() is None


def test_the_scene_as_it_was_begins_it_anew(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=at_ms != at(30)[0]) for at_ms in at(0, 15, 30, 45, 61))
    change = memory.change()
    assert change is not None
    assert (change.since_ms, change.has_lasted(LASTS_MS)) == (at(45)[0], False)


def test_a_nudge_is_known_by_its_shift_and_lasts_sooner(memory: Memory) -> None:
    memory.add(stretch(at_ms, nudged=True) for at_ms in at(0, 10, 21))
    change = memory.change()
    assert change is not None
    assert change.shift is not None
    assert (change.shift.right, change.shift.down) == pytest.approx((5 / 320, 3 / 180), abs=0.004)
    assert change.has_lasted(LASTS_MS)


def test_what_comes_after_a_nudge_that_was_learnt_is_no_nudge(memory: Memory) -> None:
    memory.add(stretch(at_ms, nudged=True, shelf=True) for at_ms in at(0, 10, 21))
    change = memory.change(after_ms=NOON_MS)
    assert change is not None
    assert (change.shift, change.has_lasted(LASTS_MS)) == (None, False)


def test_whoever_is_there_each_time_is_not_learnt_with_a_nudge(memory: Memory) -> None:
    memory.add(stretch(at_ms, nudged=True, walks=True) for at_ms in at(0, 10, 21, 40, 61))
    assert memory.change() is None


def test_one_stretch_that_was_called_an_anomaly_rejects_it(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True) for at_ms in at(0, 20, 40, 61))
    change = memory.change(rejected_ms=((at(20)[0], at(20)[0] + 5000),))
    assert change is not None
    assert change.rejected


def test_an_anomaly_that_is_something_else_rejects_nothing(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True, walks=at_ms == at(30)[0]) for at_ms in at(0, 15, 30, 45, 61))
    change = memory.change(rejected_ms=((at(30)[0], at(30)[0] + 30_000),))
    assert change is not None
    assert not change.rejected


def test_what_was_judged_before_is_not_judged_again(memory: Memory) -> None:
    memory.add(stretch(at_ms, shelf=True) for at_ms in at(0, 20, 40, 61))
    assert memory.change(after_ms=at(62)[0]) is None
