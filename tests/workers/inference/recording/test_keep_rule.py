"""In the beginning everything is kept, then now and then, what is rare, and what an operator may want to judge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stretches import IDENTITY, START_MS, some_features

from models.frames.frame import Frame
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion
from models.memory.stretches.stretch_collector import StretchCollector
from models.profiles.profile import StreamKind
from workers.inference.recording.keep_rule import BEGINNING_S, KeepRule
from workers.inference.recording.memory_writer import Remembered

FULL_OF_NORMAL = Remembered(BEGINNING_S + 1, 0, 10**6)
BUDGET_MB = 256
RGB = np.zeros((8, 8, 3), np.uint8)


def stretch(at_s: float, score: float = 0.1, *excluded: Exclusion) -> StretchCollector:
    """Of three frames from this moment on, the first ones excluded."""
    collector = StretchCollector([StreamKind.CATEGORY], IDENTITY)
    features = [some_features(StreamKind.VELOCITY, np.random.default_rng(0))]
    for n in range(3):
        reason = excluded[n] if n < len(excluded) else NOT_EXCLUDED
        captured_ms = START_MS + int((at_s + n) * 1000)
        collector.add(Frame(RGB, at_s + n), captured_ms, 0, features, score=score, excluded=reason)
    return collector


def kept(
    rule: KeepRule, stretches: list[StretchCollector], remembered: Remembered | None = FULL_OF_NORMAL
) -> list[float]:
    """When the kept ones begin."""
    return [one.started_s for one in stretches if rule.keeps(one, remembered)]


@pytest.mark.parametrize("remembered", [None, Remembered(0.0, 0, 0), Remembered(BEGINNING_S - 1, 0, 10**6)])
def test_in_the_beginning_everything_is_kept(remembered: Remembered | None) -> None:
    assert len(kept(KeepRule(BUDGET_MB), [stretch(30.0 * n) for n in range(10)], remembered)) == 10


def test_a_budget_that_holds_no_such_beginning_ends_it() -> None:
    nearly_full = Remembered(100.0, 0, 250 * 10**6)
    assert kept(KeepRule(BUDGET_MB), [stretch(30.0 * n) for n in range(30)], nearly_full) == [0.0, 600.0]


def test_afterwards_one_in_ten_minutes_is_kept() -> None:
    assert kept(KeepRule(BUDGET_MB), [stretch(30.0 * n) for n in range(120)]) == [0, 600, 1200, 1800, 2400, 3000]


def test_a_restarted_process_goes_on_with_the_interval() -> None:
    remembered = Remembered(BEGINNING_S + 1, START_MS - 500_000, 10**6)
    assert kept(KeepRule(BUDGET_MB), [stretch(30.0 * n) for n in range(10)], remembered) == [120.0]


def test_what_is_rarer_than_nearly_all_of_the_last_hour_is_kept_too() -> None:
    usual = [stretch(30.0 * n, 0.1 + 0.01 * (n % 10)) for n in range(60)]
    rare = stretch(1785.0, 0.5)
    assert 1785.0 in kept(KeepRule(BUDGET_MB), [*usual, rare])
    assert 1785.0 not in kept(KeepRule(BUDGET_MB), [*usual, stretch(1785.0, 0.15)])


def test_a_restless_camera_is_recorded_once_a_minute_at_most() -> None:
    rising = [stretch(30.0 * n, n / 1000) for n in range(200)]
    starts = kept(KeepRule(BUDGET_MB), rising)
    assert min(np.diff(starts)) >= 60.0


def alert_of(minutes: float, scores: dict[float, float] | None = None) -> list[StretchCollector]:
    """From second 30 on, each half minute covered but for the first and the last. ``scores``: others than 0.8."""
    alert, last_s = Exclusion.ALERT, 30.0 + minutes * 60
    covered = [
        stretch(30.0 * n, (scores or {}).get(30.0 * n, 0.8), alert, alert, alert) for n in range(2, int(last_s / 30))
    ]
    return [
        stretch(0.0),
        stretch(30.0, 0.8, NOT_EXCLUDED, alert, alert),
        *covered,
        stretch(last_s, 0.8, alert),
        stretch(last_s + 30.0),
    ]


def test_of_five_minutes_of_an_alert_all_is_kept() -> None:
    assert kept(KeepRule(BUDGET_MB), alert_of(5)) == [30.0 * n for n in range(12)]


def test_of_a_longer_one_the_beginning_the_peak_and_the_end_are_kept() -> None:
    starts = kept(KeepRule(BUDGET_MB), alert_of(9, {420.0: 0.9, 450.0: 0.9}))
    assert starts == [*(30.0 * n for n in range(12)), 420.0, 570.0]


def test_an_alert_that_comes_and_goes_all_day_spares_the_disk() -> None:
    alert = Exclusion.ALERT
    flicker = [stretch(30.0 * n, 0.9, alert, alert, alert if n % 9 else NOT_EXCLUDED) for n in range(240)]
    rule = KeepRule(BUDGET_MB)
    covered = [one for one in flicker if rule.keeps(one, FULL_OF_NORMAL) and one.wholly_excluded]
    assert len(covered) <= 2 * 20 + 12  # two hours, and one in ten minutes as ever


def test_of_a_covered_lens_little_is_kept_even_in_the_beginning() -> None:
    covered = [stretch(30.0 * n, math.nan, *[Exclusion.CONDITION] * 3) for n in range(30)]
    assert kept(KeepRule(BUDGET_MB), covered, Remembered(0.0, 0, 0)) == [0.0, 600.0]
