"""The alarm threshold of a camera: how often its normal footage exceeds a score, and how certain that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from models.alarms.calibration import TAIL_RARITY, score_of
from models.alarms.event_counts import Run, event_levels, length_s
from models.alarms.event_detector import OPENS_AFTER_S, EventRule
from models.alarms.gpd_tail import GpdTail

FALSE_ALARMS_PER_DAY = 4.0
OFF_OF_ON = 0.75
LEAST_ON = score_of(TAIL_RARITY)  # below, `off` could fall under the usual score: an event would never close
MAX_EXTRAPOLATION = 30.0  # rarer than once in so many lengths of the footage, no interval holds: bench/threshold.py
MAX_CAUTION = 300.0  # ... but the level goes on rising up to here: too high a level is the lesser evil
PROVISIONAL = 2.0  # lengths of the footage: a provisional level expects an event no more seldom than in so many, ...
PROVISIONAL_S = 1800.0  # ... up to so much footage, which a camera that goes on learning has within the hour
CONFIDENCE = 0.9
_DAY_S = 86_400.0
_HIGHEST = 1.0 - 1e-9
_TAIL_EVENTS = 10, 20  # the tail is fitted on a quarter of the events within these bounds, the highest, ...
_TAIL_SHARES = 0.25, 0.5  # ... but on no more than half: below, events merge and their levels have no tail's shape
_MOST_KNOWN = 16
_NARROWINGS = 20
_HALVINGS = 40
_LEAST_COUNT = math.exp(-30.0)  # of events: as good as none


@dataclass(frozen=True)
class Threshold:
    """What an alarm budget means for one camera.

    ``on`` and ``off`` are scores. ``expected_low``..``expected_high``: 90 % interval of the false alarms per day at
    ``on``; ``on_low``..``on_high``: of the level that would give the budget exactly. ``extrapolation``: how many times
    the footage would fit between two alarms of the budget. Where that is beyond what the footage can
    support, ``supported`` is false and ``needed_hours`` says how much footage the budget needs; ``on`` is then a
    cautious guess, no higher than for one alarm in 300 lengths of the footage. ``provisional``: ``on`` is lower than
    the budget asks for, and opens about one false alarm in twice the length of the footage; ``needed_hours`` is then
    how much footage the budget itself takes.
    """

    false_alarms_per_day: float
    on: float
    off: float
    on_low: float
    on_high: float
    expected: float
    expected_low: float
    expected_high: float
    footage_hours: float
    extrapolation: float
    supported: bool
    needed_hours: float
    provisional: bool = False

    @property
    def warning(self) -> str | None:
        """For people, None where there is nothing to warn of."""
        if self.provisional:
            return (
                f"still learning: {_duration(self.footage_hours)} of normal footage so far, so expect a false alarm "
                f"about every {_duration(24.0 / self.expected)} for now; from {_duration(self.needed_hours)} on about "
                f"{_rate(self.false_alarms_per_day)} a day"
            )
        if self.supported:
            return None
        return (
            f"learn from at least {_duration(self.needed_hours)}: {_duration(self.footage_hours)} of normal footage "
            f"cannot tell what happens only {_times(self.false_alarms_per_day)} a day, so expect about "
            f"{_rate(self.expected)} false alarms a day until then"
        )


@dataclass(frozen=True)
class ThresholdModel:
    """How often held-out normal footage opens an event, by level: counted where it was seen, extrapolated beyond.

    ``levels``: float64 (n,), odds of scores, falling; the event rule opens ``k`` events on the footage at
    ``levels[k - 1]`` and fewer above. ``footage_s``: its length. The rule's own durations are part of what was
    counted.
    """

    levels: NDArray[np.float64]
    footage_s: float
    min_duration_s: float = EventRule.min_duration_s
    cooldown_s: float = EventRule.cooldown_s
    gap_s: float = EventRule.gap_s

    def __post_init__(self) -> None:
        if self.levels.ndim != 1 or not np.isfinite(self.levels).all() or (np.diff(self.levels) > 0).any():
            raise ValueError("levels must be finite and falling")
        if not self.footage_s > 0:
            raise ValueError(f"footage_s must be positive, not {self.footage_s}")

    @classmethod
    def fit(cls, runs: Sequence[Run], opens_after_s: float = OPENS_AFTER_S) -> ThresholdModel:
        """From held-out runs: times in seconds (n,) and smoothed scores (n,) of each unbroken run of frames.
        ``opens_after_s``: of each, before which live no event opens."""
        rule = EventRule(on=1.0, off=OFF_OF_ON)
        scores, footage_s = event_levels(runs, rule, opens_after_s), length_s(runs, rule.gap_s, opens_after_s)
        return cls(scores / (1.0 - scores), footage_s, rule.min_duration_s, rule.cooldown_s, rule.gap_s)

    def facts(self) -> dict[str, float]:
        """JSON values that with ``levels`` make this model again."""
        return {
            "footage_s": self.footage_s,
            "min_duration_s": self.min_duration_s,
            "cooldown_s": self.cooldown_s,
            "gap_s": self.gap_s,
        }

    def rule(self, false_alarms_per_day: float, *, provisional: bool = False) -> EventRule:
        """The event rule for a budget, or the provisional one where footage is short for it."""
        threshold = self.at(false_alarms_per_day, provisional=provisional)
        return EventRule(threshold.on, threshold.off, self.min_duration_s, self.cooldown_s, self.gap_s)

    def at(self, false_alarms_per_day: float, *, provisional: bool = False) -> Threshold:
        """Threshold for a budget. Raises ValueError unless that is positive.

        ``provisional``: for a camera that goes on learning. While there is less than half an hour of footage, and that
        is short for the budget, the level is that of one event in `PROVISIONAL` lengths of it: what is unusual is found
        from the first minutes on, at the price of about one false alarm with every doubling of the footage.
        """
        if not 0 < false_alarms_per_day < math.inf:
            raise ValueError(f"false_alarms_per_day must be positive, not {false_alarms_per_day}")
        key = false_alarms_per_day, provisional
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._computed(*key)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[float, bool], Threshold]:
        return {}  # by budget, and whether provisional: each takes some milliseconds, and is asked for more than once

    def _computed(self, false_alarms_per_day: float, provisional: bool) -> Threshold:
        wanted = false_alarms_per_day / _DAY_S * self.footage_s  # events on footage of this length
        enough_s = _DAY_S / false_alarms_per_day / MAX_EXTRAPOLATION
        until_s = min(_DAY_S / false_alarms_per_day / PROVISIONAL, PROVISIONAL_S)
        provisional = provisional and self.footage_s < until_s
        count = max(wanted, 1.0 / (PROVISIONAL if provisional else MAX_CAUTION))
        on = max(self._level(count, 0.5), LEAST_ON)
        per_day = _DAY_S / self.footage_s
        tails = (1.0 - CONFIDENCE) / 2.0
        return Threshold(
            false_alarms_per_day=false_alarms_per_day,
            on=on,
            off=OFF_OF_ON * on,
            on_low=self._level(count, tails),
            on_high=self._level(count, 1.0 - tails),
            expected=self._count(on, 0.5) * per_day,
            expected_low=self._count(on, tails) * per_day,
            expected_high=self._count(on, 1.0 - tails) * per_day,
            footage_hours=self.footage_s / 3600.0,
            extrapolation=1.0 / wanted,
            supported=provisional or self.footage_s >= enough_s,
            needed_hours=(until_s if provisional else enough_s) / 3600.0,
            provisional=provisional,
        )

    @cached_property
    def _tail(self) -> GpdTail:
        share, most = (math.ceil(part * len(self.levels)) for part in _TAIL_SHARES)
        fewest, enough = _TAIL_EVENTS
        return GpdTail.fit(self.levels[: min(max(share, fewest), enough, most) + 1])

    def _chance(self, score: float, count: float) -> float:
        """That no more than ``count`` events are to be expected at a score on footage of this length.

        The number seen is Poisson about the number expected, which with Jeffreys' prior is Gamma(seen + 1/2).
        """
        tail, odds = self._tail, score / (1.0 - score)
        if odds < tail.start:
            return float(gammainc(int((self.levels >= odds).sum()) + 0.5, count))
        shares, weights = tail.survival(odds)
        return float(weights @ gammainc(tail.events + 0.5, count / shares))

    def _level(self, count: float, chance: float) -> float:
        """The lowest score at which no more than ``count`` events are expected, with that chance."""
        return _first(lambda score: self._chance(score, count), chance, 0.0, _HIGHEST)

    def _count(self, score: float, chance: float) -> float:
        """The number of events on footage of this length that is not exceeded at a score, with that chance."""
        bounds = math.log(_LEAST_COUNT), math.log(10.0 * (len(self.levels) + 1.0))
        return math.exp(_first(lambda log: self._chance(score, math.exp(log)), chance, *bounds))


def _first(value: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a value that rises reaches what is wanted: by halving, on the side where it does. Most halvings need no
    look at the value, because where it does not reach that yet, and where it does, is narrowed down first."""
    without, reaching = _narrowed(value, wanted, low, high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if middle <= without:
            low = middle
        elif middle >= reaching or value(middle) >= wanted:
            high = middle
        else:
            low = middle
    return high


def _narrowed(value: Callable[[float], float], wanted: float, low: float, high: float) -> tuple[float, float]:
    """Closer bounds, the lower of which is not there yet and the upper one is: the Illinois method (Dowell and Jarratt,
    1971)."""
    below, above = value(low) - wanted, value(high) - wanted
    if below >= 0:
        return -math.inf, low
    if above < 0:
        return high, math.inf
    least = (high - low) * 2.0**-_HALVINGS
    side = 0
    for _ in range(_NARROWINGS):
        if high - low <= least:
            break
        middle = min(max((low * above - high * below) / (above - below), low + least), high - least)
        found = value(middle) - wanted
        if found < 0:
            low, below, above, side = middle, found, above / 2.0 if side < 0 else above, -1
        else:
            high, above, below, side = middle, found, below / 2.0 if side > 0 else below, 1
    return low, high


def _duration(hours: float) -> str:
    if hours >= 1.0:
        return f"{hours:.1f} h"
    return f"{60 * hours:.0f} min" if hours >= 0.05 else f"{3600 * hours:.0f} s"


def _times(per_day: float) -> str:
    return "once" if per_day == 1 else f"{_rate(per_day)} times"


def _rate(per_day: float) -> str:
    return f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.2g}"
