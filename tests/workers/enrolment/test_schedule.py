"""A camera learns by itself often at first, then ever more seldom; the rule needs nothing but its memory."""

from __future__ import annotations

import pytest

from patchwatch.messages.banks.arming import MemoryExtent
from workers.enrolment.schedule import Attempt, decide, step_of

FIRST_S = 60.0
BEGAN_MS = 1_800_000_000_000
HOUR_S, DAY_S = 3600, 86_400


def after(watched_s: float, seconds: float | None = None, identity: str = "a") -> MemoryExtent:
    """A camera watched for so long: of the first forty minutes all is remembered, of the rest a twentieth."""
    remembered = min(watched_s, 2400) + max(0.0, watched_s - 2400) / 20
    return MemoryExtent(
        seconds=remembered if seconds is None else seconds, stretches=1, identity=identity,
        from_ms=BEGAN_MS, until_ms=BEGAN_MS + round(watched_s * 1000),
    )  # fmt: skip


def times_learnt(until_s: float, step_s: float = 10.0, first_s: float = FIRST_S) -> list[float]:
    """Seconds at which a camera that is watched without a break learns."""
    last, learnt, now_s = None, [], 0.0
    while now_s < until_s:
        now_s += step_s
        if decide(after(now_s), last, first_s).due:
            last = Attempt(after(now_s))
            learnt.append(now_s)
    return learnt


def test_it_learns_after_a_minute_and_then_ever_more_seldom() -> None:
    assert times_learnt(2 * HOUR_S) == [60, 180, 600, 1800, HOUR_S]
    weeks = times_learnt(30 * DAY_S, step_s=600)
    assert weeks[1:] == [1800, HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S, 10 * DAY_S, 17 * DAY_S, 24 * DAY_S]


def test_another_first_step_moves_the_next_ones_only_as_far_as_they_are_below_it() -> None:
    assert times_learnt(700, first_s=30)[:3] == [30, 180, 600]
    assert times_learnt(700, first_s=300) == [300, 600]


def test_nothing_new_is_learnt_from_nothing_new() -> None:
    extent = after(10 * DAY_S)
    assert not decide(extent, Attempt(extent), FIRST_S).due


def test_what_other_networks_made_does_not_count() -> None:
    assert not decide(after(100), Attempt(after(70)), FIRST_S).due
    assert decide(after(100, identity="b"), Attempt(after(70)), FIRST_S).due


def test_a_memory_that_was_emptied_is_learnt_anew() -> None:
    before = Attempt(MemoryExtent(seconds=9000, from_ms=1, until_ms=BEGAN_MS, identity="a"))
    assert decide(after(70), before, FIRST_S).due


def test_after_a_failure_it_tries_again_at_the_next_step_or_within_the_hour() -> None:
    failed = Attempt(after(60), succeeded=False)
    assert not decide(after(120), failed, FIRST_S).due
    assert decide(after(180), failed, FIRST_S).due
    late = Attempt(after(4 * DAY_S), succeeded=False)
    assert not decide(after(4 * DAY_S + 1800), late, FIRST_S).due
    assert decide(after(4 * DAY_S + HOUR_S), late, FIRST_S).due


def test_a_view_that_is_new_is_learnt_after_a_minute_of_it_but_twice_an_hour_at_most() -> None:
    last, evening = Attempt(after(6 * HOUR_S)), after(10 * HOUR_S)
    assert not decide(evening, last, FIRST_S).due
    assert not decide(evening, last, FIRST_S, unlike_s=FIRST_S - 1).due
    assert decide(evening, last, FIRST_S, unlike_s=FIRST_S).due
    assert not decide(after(6 * HOUR_S + 1700), last, FIRST_S, unlike_s=500.0).due


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        (after(20), "the first bank is learnt from 60 s, 20 s are remembered"),
        (after(90), "it learns again from 3 min, 1.5 min are remembered"),
        (after(2 * HOUR_S), "it learns again when its memory reaches back 6 h"),
        (after(9 * DAY_S), "it learns again every week"),
    ],
)
def test_it_says_when_it_learns_again(extent: MemoryExtent, words: str) -> None:
    assert decide(extent, Attempt(extent), FIRST_S).next_step == words


def test_steps_never_go_back_as_memory_grows() -> None:
    steps = [step_of(after(seconds), FIRST_S) for seconds in range(0, 5 * DAY_S, 300)]
    assert steps == sorted(steps)
    assert steps[0] == 0


def test_a_lasting_change_is_learnt_at_once() -> None:
    last = Attempt(after(HOUR_S))
    assert not decide(after(HOUR_S + 100), last, FIRST_S).due
    assert decide(after(HOUR_S + 100), last, FIRST_S, changed=True).due
    assert not decide(after(20), None, FIRST_S, changed=True).due, "there is not enough of it"
