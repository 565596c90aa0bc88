"""Whether the quiet hours of a camera still look as normal did when its bank was learnt.

Per hour and stream one number is known: the share of quiet frames that are rarer than nine of ten frames of the normal
that the bank was calibrated on. It is 0.1 as long as nothing changes. Neighbouring frames depend on each other, so an
hour counts as one observation, whatever is within it; and hours depend on each other, so no test for independent ones
would hold what it promises. This one needs only that no hour is *expected* to have more than the tolerated share,
given all hours before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RARE = 1.0  # a rarity: of frames that one in ten normal ones reaches
NOMINAL = 0.1
TOLERATED = 0.2  # share of rare frames that an hour may be expected to have
HOURS_TO_FALSE_DRIFT = 8766.0  # on average at least, over all streams of a camera: a year
OVER_HOURS = 6  # drift is over once so many hours together have no more than the tolerated share
# Bets on an hour's excess, in parts of what may be staked: the first finds small drift, the last large one soon.
_STAKES = 0.2, 0.5, 0.8


@dataclass(frozen=True)
class HourShare:
    """The share (0..1) of quiet frames that were rare in the hour that began at ``hour_ms``."""

    hour_ms: int
    share: float


@dataclass(frozen=True)
class StreamDrift:
    """A stream that drifts at present: probably since ``since_ms``, with this mean share of rare frames."""

    since_ms: int
    share: float
    hours: int


class DriftTest:
    """Follows one stream of one camera, from the first judged hour with its bank on.

    ``streams``: how many streams of the camera are tested. The mean time to a false drift, over all of them, is at
    least ``hours_to_false_drift``: the Shiryaev-Roberts sum of betting martingales is an e-detector (Shin, Ramdas and
    Rinaldo, "E-detectors", 2022; the bets are those of Waudby-Smith and Ramdas, "Estimating means of bounded random
    variables by betting", 2020), and so is the mean of several.
    """

    def __init__(self, streams: int = 1, hours_to_false_drift: float = HOURS_TO_FALSE_DRIFT) -> None:
        self._limit = hours_to_false_drift * streams
        self._forget()

    def _forget(self) -> None:
        self._evidence = [0.0] * len(_STAKES)
        self._rising: list[HourShare] = []  # since the hour at which a change is most likely
        self._gain = 0.0
        self._drifting = False

    def add(self, hour: HourShare) -> None:
        """Take the next hour. Raises ValueError for a share outside of 0..1."""
        if not 0.0 <= hour.share <= 1.0:
            raise ValueError(f"the share of an hour is {hour.share}")
        gains = [1.0 + stake / TOLERATED * (hour.share - TOLERATED) for stake in _STAKES]
        if self._drifting:
            self._rising.append(hour)
            if _mean(self._rising[-OVER_HOURS:]) <= TOLERATED and len(self._rising) >= OVER_HOURS:
                self._forget()
            return
        self._evidence = [(1.0 + past) * gain for past, gain in zip(self._evidence, gains, strict=True)]
        self._gain += math.log(gains[1])
        self._rising.append(hour)
        if self._gain <= 0.0:
            self._gain, self._rising = 0.0, []
        self._drifting = bool(self._rising) and sum(self._evidence) / len(_STAKES) >= self._limit

    @property
    def drift(self) -> StreamDrift | None:
        """At present; None while there is none."""
        if not self._drifting:
            return None
        return StreamDrift(self._rising[0].hour_ms, _mean(self._rising), len(self._rising))


def drift_of(hours: Iterable[HourShare], streams: int = 1) -> StreamDrift | None:
    """The drift after these hours, which are in order."""
    test = DriftTest(streams)
    for hour in hours:
        test.add(hour)
    return test.drift


def _mean(hours: Sequence[HourShare]) -> float:
    return sum(hour.share for hour in hours) / len(hours)
