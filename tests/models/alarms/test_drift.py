"""Drift is found within hours where it is large, within days where it is small, and hardly ever where there is none."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.alarms.drift import HOURS_TO_FALSE_DRIFT, NOMINAL, TOLERATED, DriftTest, HourShare, drift_of

HOUR_MS = 3_600_000
Shares = NDArray[np.float64]


def hours(shares: Iterable[float], first: int = 0) -> list[HourShare]:
    return [HourShare((first + n) * HOUR_MS, float(share)) for n, share in enumerate(shares)]


def found_after(shares: Shares, hours_to_false_drift: float = HOURS_TO_FALSE_DRIFT) -> int | None:
    """How many hours it takes."""
    test = DriftTest(hours_to_false_drift=hours_to_false_drift)
    for n, hour in enumerate(hours(shares), 1):
        test.add(hour)
        if test.drift:
            return n
    return None


def quiet_weeks(seed: int, weeks: int, frames: int = 60) -> Shares:
    """Hourly shares of rare frames, one in ten overall: neighbouring frames depend on each other (correlation 0.97),
    and at some times of day more is rare than at others."""
    random = np.random.default_rng(seed)
    count = weeks * 7 * 24
    busy = 1.0 + 0.8 * np.sin(np.arange(count) * 2 * np.pi / 24)
    noise = random.normal(size=(count, frames))
    values = np.empty_like(noise)
    level = random.normal(size=count)
    for n in range(frames):
        level = 0.97 * level + np.sqrt(1 - 0.97**2) * noise[:, n]
        values[:, n] = level
    limits = np.quantile(values, 1.0 - NOMINAL * busy)
    return np.asarray((values > limits[:, None]).mean(axis=1))


@pytest.mark.parametrize(("share", "within"), [(1.0, 8), (0.5, 14), (0.3, 48)])
def test_drift_is_found_the_sooner_the_larger_it_is(share: float, within: int) -> None:
    quiet = quiet_weeks(1, 1)
    since = drift_of(hours([*quiet, *([share] * within)]))
    assert since is not None
    assert abs(since.since_ms - len(quiet) * HOUR_MS) <= 6 * HOUR_MS, "it says since when"
    assert drift_of(hours(quiet)) is None


@pytest.mark.parametrize("share", [NOMINAL, TOLERATED])
def test_what_is_tolerated_is_no_drift_however_long_it_lasts(share: float) -> None:
    assert drift_of(hours([share] * 2000)) is None


def test_a_busy_evening_is_no_drift() -> None:
    assert drift_of(hours([0.05] * 20 + [0.5] * 4 + [0.05] * 20 + [0.6] * 4)) is None


def test_a_false_drift_is_as_rare_as_stated() -> None:
    """Thirty cameras for half a year: with one a year at most, 15 would be allowed; days are kinder than that."""
    assert sum(found_after(quiet_weeks(seed, 26)) is not None for seed in range(30)) <= 1


def test_the_statement_holds_at_its_edge() -> None:
    """Hours that are all rare or all usual, with exactly the tolerated share expected: the worst case that is allowed.
    Here for one false drift in 400 hours, by the mean over many waits."""
    random = np.random.default_rng(5)
    waits = [found_after((random.random(6000) < TOLERATED).astype(float), 400.0) or 6000 for _ in range(150)]
    assert np.mean(waits) >= 400.0


def test_drift_is_over_when_the_hours_are_as_before() -> None:
    changed = [0.1] * 24 + [0.9] * 12
    assert drift_of(hours(changed)) is not None
    assert drift_of(hours([*changed, *([0.1] * 5)])) is not None
    assert drift_of(hours([*changed, *([0.1] * 8)])) is None


def test_of_many_streams_each_has_to_show_more() -> None:
    shares = hours([0.6] * 12)
    assert drift_of(shares, streams=1) is not None
    assert drift_of(shares, streams=50) is None


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="share"):
        drift_of(hours([float("nan")]))
