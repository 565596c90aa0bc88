"""What one side removed is removed, what is new is copied, and what changed is never lost."""

from __future__ import annotations

import pytest

from workers.sharing.plan import Known, Step, step_for
from workers.sharing.shared_file import never_changes, rank_of

KNOWN = Known("a1", "b1")


@pytest.mark.parametrize(
    ("here", "there", "known", "step"),
    [
        ("a1", None, None, Step.UPLOAD),
        (None, "b1", None, Step.DOWNLOAD),
        ("a1", "b1", None, Step.MERGE),
        ("a1", "b1", KNOWN, Step.NOTHING),
        ("a2", "b1", KNOWN, Step.UPLOAD),
        ("a1", "b2", KNOWN, Step.DOWNLOAD),
        ("a2", "b2", KNOWN, Step.MERGE),
        ("a1", None, KNOWN, Step.DELETE_HERE),
        (None, "b1", KNOWN, Step.DELETE_THERE),
        ("a2", None, KNOWN, Step.UPLOAD),
        (None, "b2", KNOWN, Step.DOWNLOAD),
        (None, None, KNOWN, Step.FORGET),
        (None, None, None, Step.NOTHING),
    ],
)
def test_the_step_follows_from_both_sides_and_what_they_had_in_common(
    here: str | None, there: str | None, known: Known | None, step: Step
) -> None:
    assert step_for(here, there, known, never_changes=False) is step


def test_what_never_changes_is_only_noted() -> None:
    assert step_for("a1", "b1", None, never_changes=True) is Step.NOTE
    assert step_for("a2", "b2", KNOWN, never_changes=True) is Step.NOTE
    assert step_for("a1", "b1", KNOWN, never_changes=True) is Step.NOTHING


def test_only_banks_and_memory_are_shared_and_in_the_order_in_which_they_refer_to_each_other() -> None:
    shared = [
        "memory/gate/scene/1800000000000-0123456789abcdef.stretch", "banks/gate/scene/0123456789ab.safetensors",
        "memory/gate/scene/corrections/0123456789abcdef.addition", "banks/gate/scene/versions.json",
        "banks/gate/scene.safetensors",
    ]  # fmt: skip
    assert [rank_of(name) for name in shared] == list(range(5))
    assert [never_changes(name) for name in shared] == [True, True, False, False, False]
    others = [
        "queue/appendonly.aof", "banks/../x.safetensors", "banks/gate/scene/.lock", "banks/gate/scene/x.staged",
        "memory/Gate/scene/1800000000000-0123456789abcdef.stretch", "store.json",
    ]  # fmt: skip
    assert [rank_of(name) for name in others] == [None] * 6
