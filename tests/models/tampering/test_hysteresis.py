"""Short breaks neither open nor close a condition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.tampering.condition import Condition, ConditionKind
from models.tampering.hysteresis import Hysteresis


def play(answers: str, episode: Hysteresis) -> list[Condition]:
    """One second a letter: x holds, . does not."""
    return [change for n, letter in enumerate(answers) for change in episode.update(float(n), letter == "x")]


def episode() -> Hysteresis:
    return Hysteresis(ConditionKind.COVERED, 3.0, 2.0)


def test_it_opens_only_when_it_held_without_a_break() -> None:
    assert play("xxx.xxx.xxx", episode()) == []
    assert play(".xxxx", episode()) == [Condition(ConditionKind.COVERED, 1.0, 4.0)]


def test_it_closes_at_the_first_of_the_free_frames() -> None:
    [_, closed] = play("xxxx.xx...", episode())
    assert (closed.started_s, closed.ended_s) == (0.0, 7.0)


@given(answers=st.text("x.", max_size=60))
def test_it_opens_and_closes_in_turn(answers: str) -> None:
    changes = play(answers, episode())
    assert [change.ended_s is not None for change in changes] == [n % 2 == 1 for n in range(len(changes))]
    assert all(change.opened_s - change.started_s == 3.0 for change in changes)


@given(answers=st.text("x.", max_size=40), cut=st.integers(0, 40))
def test_a_restart_changes_nothing(answers: str, cut: int) -> None:
    whole, first, second = episode(), episode(), episode()
    expected = play(answers, whole)
    found = play(answers[:cut], first)
    second.restore(first.state())
    for n in range(cut, len(answers)):
        found += second.update(float(n), answers[n] == "x")
    assert found == expected
