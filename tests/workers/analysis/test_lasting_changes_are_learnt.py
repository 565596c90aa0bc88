"""A bank learns what a lasting change looks like although it alarmed, still sees all else, and unlearns it again."""

from __future__ import annotations

import pytest
from still_scene import PROFILE, stretch
from stretches import info_of

from models.banks.bank import Bank
from models.memory.rescoring import Judgement, Rescorer, frames_of
from models.memory.spans import SpanMs
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch
from workers.analysis.memory_learner import learn_from_memory, taking_turns

NOON_MS = 1_800_000_000_000
MINUTE_MS = 60_000
SPAN = NOON_MS, NOON_MS + 61 * MINUTE_MS


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> MemoryStore:
    """Six minutes of the scene as it was, and two with a shelf, within an hour."""
    store = MemoryStore(tmp_path_factory.mktemp("memory"), 64)
    for n in range(12):
        store.append(stretch(NOON_MS - (n + 1) * 10 * MINUTE_MS))
    for minutes in (0, 20, 40, 60):
        store.append(stretch(NOON_MS + minutes * MINUTE_MS, shelf=True))
    return store


def learnt(memory: MemoryStore, learnt_ms: tuple[SpanMs, ...], rejected_ms: tuple[SpanMs, ...] = ()) -> Bank:
    return learn_from_memory(memory, PROFILE, learnt_ms=learnt_ms, rejected_ms=rejected_ms)


def alarms(bank: Bank, seen: Stretch) -> bool:
    scored = Rescorer(Judgement(bank, bank.rule))
    scored.add(seen, frames_of(seen))
    return bool(scored.events)


def test_the_shelf_is_silent_what_else_comes_is_not_and_undone_all_is_as_before(memory: MemoryStore) -> None:
    shelf, walker, box, nothing = (
        stretch(NOON_MS + n * 24 * 60 * MINUTE_MS, **what)
        for n, what in enumerate(
            ({"shelf": True}, {"shelf": True, "walks": True}, {"shelf": True, "box": True}, {}), start=1
        )
    )
    before, after, undone = learnt(memory, ()), learnt(memory, (SPAN,)), learnt(memory, (SPAN,), (SPAN,))
    assert [alarms(before, one) for one in (shelf, walker, box, nothing)] == [True, True, True, False]
    assert [alarms(after, one) for one in (shelf, walker, box, nothing)] == [False, True, True, False]
    assert alarms(undone, shelf)


def test_what_alarmed_is_never_held_out_all_at_once() -> None:
    usual = [info_of(n, NOON_MS + n * MINUTE_MS) for n in range(40)]
    lasting = [info_of(n, NOON_MS + n * MINUTE_MS, excluded=1.0) for n in range(40, 44)]
    order = taking_turns([*usual, *lasting], [(lasting[0].started_ms, lasting[-1].ended_ms)])
    assert [n for n, info in enumerate(order) if info.excluded] == [5, 16, 27, 38]
    assert taking_turns(usual, []) == usual
