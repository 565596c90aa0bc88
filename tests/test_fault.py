"""A fault that others suffer from every time is the product's doing; once may be the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fault import Fault, Row

CALM, STALE = ["ok"], ["ok", "stale", "ok"]


class Watch:
    """Shows of every camera one list of words after the other."""

    def __init__(self, *words: list[str]) -> None:
        self._words: Iterator[list[str]] = iter(words)

    def words(self, camera_id: str, since_s: float) -> list[str]:
        return next(self._words)


class Struck(Fault):
    """Without an installation: what happens takes two seconds each time."""

    def _once(self, act: Any) -> None:
        act()
        self.row.recovered_s = 2.0
        self.row.tries += 1


def struck(*words: list[str], limit_s: float | None = None) -> Row:
    row = Row("Group", "Fault")
    nothing: Any = None
    watch: Any = Watch(*words)
    Struck(nothing, watch, nothing, row, ("gate", "yard")).strike(lambda: None, hits=["gate"], limit_s=limit_s)
    return row


def test_once_is_enough_where_nobody_else_suffers() -> None:
    assert struck(CALM).tries == 1


def test_one_bad_moment_of_the_machine_is_no_fault_of_the_product() -> None:
    assert struck(STALE, CALM, limit_s=5.0).tries == 2


def test_what_others_suffer_every_time_is_told() -> None:
    with pytest.raises(AssertionError, match=r"others suffered too, 3 times: \{'yard': \['ok', 'stale', 'ok'\]\}"):
        struck(STALE, STALE, STALE)


def test_a_recovery_that_is_late_every_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fault.stretched", lambda limit_s: limit_s)
    with pytest.raises(AssertionError, match=r"recovered after 2\.0 s at best, not within 1\.0 s"):
        struck(CALM, CALM, CALM, limit_s=1.0)
