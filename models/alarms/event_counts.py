"""How often a series of scores opens an event, by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import OPENS_AFTER_S, TOLERANCE_S, EventRule, begins_anew

Run = tuple[NDArray[np.float64], NDArray[np.float64]]  # times in seconds and smoothed scores, both (n,)
_MOST_EVENTS = 512  # levels of rarer events are kept
_AT_ONCE = 64  # peaks whose frames are looked for together
_OF_MOST = 0.5  # looking further down ends where events have merged to this share of the most there were


@dataclass(frozen=True)
class EventCounts:
    """Runs of scores laid end to end, ready to count events at any level.

    Without the frames in which no event opens yet: live the gate is held there, and what is open stays as it is.
    ``sustained``: at each frame the lowest score since the rule's minimum duration before, 0 where that reaches back
    into those. ``piece``: number of the unbroken run a frame belongs to; a gap longer than the rule's begins another.
    """

    times: NDArray[np.float64]
    scores: NDArray[np.float64]
    sustained: NDArray[np.float64]
    piece: NDArray[np.int64]
    rule: EventRule

    @classmethod
    def from_runs(cls, runs: Sequence[Run], rule: EventRule, opens_after_s: float = OPENS_AFTER_S) -> EventCounts:
        """``opens_after_s``: of each run, as of a view that begins."""
        times = np.concatenate([run[0] for run in runs])
        scores = np.concatenate([run[1] for run in runs])
        run = np.repeat(np.arange(len(runs)), [len(times) for times, _ in runs])
        step = np.diff(times)
        elsewhere = (np.diff(run) > 0) | (step < 0)
        broken = elsewhere | (step > rule.gap_s)
        piece = np.concatenate([[0], np.cumsum(broken)]).astype(np.int64)[: len(times)]
        anew = broken | _begins_anew(np.where(elsewhere, 0.0, step))
        view = np.cumsum(np.concatenate([[False], anew]))[: len(times)]
        held = _age_s(times, view) < opens_after_s - TOLERANCE_S
        sustained = _sustained(times, np.where(held, 0.0, scores), piece, rule.min_duration_s)
        return cls(times[~held], scores[~held], sustained[~held], piece[~held], rule)

    def count(self, on: float, among: NDArray[np.int64] | None = None) -> int:
        """Events that the rule opens at level ``on``, with its ``off`` in proportion: as many as `EventDetector`.

        What lies between two frames at or above ``off`` ends an event when it lasts for the cooldown; each stretch
        that nothing ends holds one event if the level is sustained anywhere in it. ``among``: see `reaching`.
        """
        off = self._off(on)
        high = np.flatnonzero(self.scores >= off) if among is None else among[self.scores[among] >= off]
        if len(high) == 0:
            return 0
        before, after = high[:-1], high[1:]
        calm_s = self.times[after - 1] - self.times[before]
        ended = (after - before > 1) & (calm_s >= self.rule.cooldown_s - TOLERANCE_S)
        ended |= self.piece[after] != self.piece[before]
        stretch = np.concatenate([[0], np.cumsum(ended)])
        holding = stretch[self.sustained[high] >= on]  # never falls
        return int(np.count_nonzero(np.diff(holding))) + (len(holding) > 0)

    def reaching(self, lowest_on: float) -> NDArray[np.int64]:
        """Numbers of the frames that `count` looks at for this level or any above it."""
        return np.flatnonzero(self.scores >= self._off(lowest_on))

    def _off(self, on: float) -> float:
        return on * self.rule.off / self.rule.on

    def peaks(self) -> NDArray[np.float64]:
        """Local maxima of the sustained level, falling: between them the count can only rise with the level."""
        if not len(self.times):
            return np.zeros(0)
        edge = np.append(np.diff(self.piece) > 0, True)
        falls = np.append(np.diff(self.sustained) < 0, True) | edge
        rose = np.append(True, np.diff(self.sustained) >= 0) | np.roll(edge, 1)
        levels: NDArray[np.float64] = np.unique(self.sustained[falls & rose & (self.sustained > 0)])[::-1]
        return levels


def event_levels(runs: Sequence[Run], rule: EventRule, opens_after_s: float = OPENS_AFTER_S) -> NDArray[np.float64]:
    """The k-th entry is the highest score at which ``rule`` (its ``off`` in proportion to its ``on``) opens k events.

    Float64 (n,), falling. Lower down events merge: where fewer are counted than above, the greater number stands.
    """
    series = EventCounts.from_runs(runs, rule, opens_after_s)
    levels: list[float] = []
    peaks, among = series.peaks(), np.zeros(0, np.int64)
    for place, level in enumerate(peaks):
        if place % _AT_ONCE == 0:  # most frames reach none of the levels that are looked at
            among = series.reaching(float(peaks[min(place + _AT_ONCE, len(peaks)) - 1]))
        count = series.count(float(level), among)
        levels += [float(level)] * (count - len(levels))
        if len(levels) >= _MOST_EVENTS or count < _OF_MOST * len(levels):
            break
    return np.array(levels[:_MOST_EVENTS], np.float64)


def length_s(runs: Sequence[Run], gap_s: float, opens_after_s: float = OPENS_AFTER_S) -> float:
    """Time in the runs in which an event may open: without gaps and what comes right after them."""
    return sum(max(0.0, length - opens_after_s) for times, _ in runs for length in _unbroken_s(times, gap_s))


def _unbroken_s(times: NDArray[np.float64], gap_s: float) -> list[float]:
    step = np.diff(times)
    pieces = np.split(times, np.flatnonzero((step < 0) | (step > gap_s) | _begins_anew(step)) + 1)
    return [float(piece[-1] - piece[0]) for piece in pieces if len(piece)]


def _begins_anew(step: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(begins_anew(step, np.concatenate([[0.0], step])[:-1]), np.bool_)


def _age_s(times: NDArray[np.float64], view: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each frame the time since its view began."""
    starts = np.flatnonzero(np.diff(view, prepend=-1))
    return times - np.repeat(times[starts], np.diff(np.append(starts, len(times))))


def _sustained(
    times: NDArray[np.float64], scores: NDArray[np.float64], piece: NDArray[np.int64], duration_s: float
) -> NDArray[np.float64]:
    lowest, lag = scores.copy(), 0
    waiting = np.ones(len(scores), bool)  # frames whose window does not reach back far enough yet
    while waiting.any():
        if lag:
            lowest[lag:] = np.where(waiting[lag:], np.minimum(lowest[lag:], scores[: len(scores) - lag]), lowest[lag:])
        reached = np.zeros(len(scores), bool)
        reached[lag:] = times[lag:] - times[: len(times) - lag] >= duration_s - TOLERANCE_S
        waiting &= ~reached
        lag += 1
        young = np.ones(len(scores), bool)
        young[lag:] = piece[lag:] != piece[: len(piece) - lag]
        lowest[waiting & young] = 0.0
        waiting &= ~young
    return lowest
