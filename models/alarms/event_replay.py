"""Which events a rule would have opened on scores that are known already, by the very detector that opens them live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import AlertGate, Event, EventDetector, EventRule, Phase


@dataclass(frozen=True)
class KnownScores:
    """The scores of one camera, as its event detector met them.

    ``times_s``: float64 (n,) on the camera's own time, rising. ``scores``: float64 (n,), 0..1, smoothed. ``gates``:
    one per frame. ``begins``: bool (n,), whether what was open before a frame had been closed without a frame.
    """

    times_s: NDArray[np.float64]
    scores: NDArray[np.float64]
    gates: Sequence[AlertGate]
    begins: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.times_s) == len(self.scores) == len(self.gates) == len(self.begins):
            raise ValueError("known scores have one value of each kind per frame")
        if not (np.isfinite(self.times_s).all() and np.isfinite(self.scores).all()):
            raise ValueError("times and scores must be finite")
        if not (np.diff(self.times_s) > 0).all():
            raise ValueError("the times of known scores rise")

    def __len__(self) -> int:
        return len(self.times_s)

    def index_of(self, at_s: float) -> int:
        """The number of the frame of this time."""
        return int(np.searchsorted(self.times_s, at_s))


@dataclass(frozen=True)
class RuleFrom:
    """``rule`` holds from the frame of this number on; None: nothing is judged, and what is open is closed."""

    first: int
    rule: EventRule | None


def replay(known: KnownScores, rules: Sequence[RuleFrom], *, over: bool = False) -> list[Event]:
    """The events of a detector that follows these rules, each as it was in the end; one that is still open comes last,
    without its end. Neither stream nor box is filled in.

    ``rules``: in order of their first frames. Another rule closes nothing by itself, as for a live detector.
    ``over``: no more frames follow for now, which closes what is open. Only frames that can change its state are given
    to the detector: the time this takes grows with the events, not with the days.
    """
    detector = EventDetector(EventRule(1.0, 1.0))
    events: list[Event] = []
    for (first, end), rule in _spans(rules, len(known)):
        if rule is None:
            events += detector.finish()
            continue
        detector.rule = rule
        events += [event for event in _follow(detector, known, first, end) if event.ended_s is not None]
    if over:
        return [*events, *detector.finish()]
    return [*events, detector.open_event] if detector.open_event else events


def _spans(rules: Sequence[RuleFrom], frames: int) -> Iterator[tuple[tuple[int, int], EventRule | None]]:
    firsts = [rule.first for rule in rules]
    for rule, end in zip(rules, [*firsts[1:], frames], strict=True):
        yield (rule.first, end), rule.rule


def _follow(detector: EventDetector, known: KnownScores, first: int, end: int) -> Iterator[Event]:
    """All changes of events from frame ``first`` up to ``end``."""
    high = first + np.flatnonzero(known.scores[first:end] >= detector.rule.on)
    n = first
    while n < end:
        if detector.phase is Phase.QUIET:  # until the next high score nothing happens
            at = int(np.searchsorted(high, n))
            if at == len(high):
                return
            n = int(high[at])
        if known.begins[n]:
            yield from detector.finish()
        yield from detector.update(float(known.times_s[n]), float(known.scores[n]), None, None, known.gates[n])
        n += 1
