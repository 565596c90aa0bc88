"""A plainer view in which people come and go is distinguished from a covered lens; nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from static_view import FPS, WIDTH, Picture, blurred, noisy, shots, view

from models.alarms.event_detector import AlertGate
from models.frames.frame import Frame
from models.tampering.condition import Condition
from models.tampering.detector import LEARNT_AFTER_S, TamperingDetector
from models.tampering.glimpses import Glimpses

PLAIN, PERSON = blurred(view(seed=3)), view(seed=9)[:48, :20]
LENS, HAND = blurred(view()), view(seed=9)


def walk(n: int) -> Picture:
    """A wall, along which somebody walks for 8 of every 12 seconds."""
    shown, part = PLAIN.copy(), n / FPS % 12 / 8
    if part < 1:
        left, top = round((WIDTH - 20) * part), 90 + n // (12 * FPS) % 3 * 10
        shown[top : top + 48, left : left + 20] = PERSON
    return noisy(shown, 500 + n)


def clock(n: int) -> Picture:
    shown = LENS.copy()
    shown[8:20, 10:90] = 20
    shown[8:20, 10 + n // FPS % 60 : 14 + n // FPS % 60] = 250
    return noisy(shown, 500 + n)


def hands(n: int) -> Picture:
    """Pushed before the lens from the left, and away again."""
    shown, at = LENS.copy(), n % (10 * FPS)
    edge = WIDTH * min(at, 16 - at) // 8
    shown[:, : max(0, edge)] = HAND[:, : max(0, edge)]
    return noisy(shown, 500 + n)


def gnat(n: int) -> Picture:
    shown, x = LENS.copy(), 150 + 20 * (n // FPS % 2)
    shown[80:84, x : x + 4] = 0
    return noisy(shown, 500 + n)


def bursts(n: int) -> Picture:
    return noisy(LENS, 500 + n, sigma=12.0 if n // FPS % 7 == 0 else 2.0)


def looked(
    show: Callable[[int], Picture], seconds: int, restarts_every: int = 10**9
) -> Iterator[tuple[list[Condition], AlertGate]]:
    """After half a minute of the usual view."""
    watch = TamperingDetector()
    for n, picture in enumerate(shots(view(), 30)):
        yield list((check := watch.observe(Frame(picture, n / FPS))).changes), check.gate
    for n in range(seconds * FPS):
        if n % restarts_every == 0:
            stored = json.loads(json.dumps(watch.state()))
            watch = TamperingDetector()
            watch.restore(stored)
        yield list((check := watch.observe(Frame(show(n), 30 + n / FPS))).changes), check.gate


@pytest.mark.parametrize("restarts_every", [10**9, 7], ids=["at once", "with restarts"])
def test_a_plainer_view_with_people_in_it_counts_as_the_usual_one_after_a_while(restarts_every: int) -> None:
    result = list(looked(walk, 240, restarts_every))
    opened, closed = (change for changes, _ in result for change in changes)
    assert (opened.kind, closed.kind, closed.learnt) == ("covered", "covered", True)
    assert closed.ended_s is not None
    assert LEARNT_AFTER_S <= closed.ended_s - opened.started_s <= LEARNT_AFTER_S + 15
    assert result[-1][1] is AlertGate.OPEN


def test_after_it_a_covered_lens_is_reported_again() -> None:
    result = list(looked(lambda n: walk(n) if n < 240 * FPS else noisy(np.full_like(PLAIN, 3), n), 260))
    kinds = [(change.kind, change.ended_s is None) for changes, _ in result for change in changes]
    assert kinds == [("covered", True), ("covered", False), ("covered", True)]


@pytest.mark.parametrize("shown", [clock, hands, gnat, bursts], ids=lambda one: one.__name__)
def test_what_else_moves_in_a_covered_picture_ends_nothing(shown: Callable[[int], Picture]) -> None:
    result = list(looked(shown, 300))
    assert [(change.kind, change.ended_s) for changes, _ in result for change in changes] == [("covered", None)]
    assert result[-1][1] is AlertGate.SUPPRESS


@pytest.mark.parametrize(
    "wrong", [{"visits": [4] * 48}, {"visits": [-1] * 48}, {"plain": [1e308] * 48}, {"sharp": [1] * 7}]
)  # fmt: skip
def test_a_stored_state_that_no_pictures_lead_to_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"bounds|reshape"):
        Glimpses().restore(Glimpses().state() | wrong)
