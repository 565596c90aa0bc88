"""The events of the same time under two rules, banks or scores: which would be gone, which would be new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.alarms.event_detector import Event


@dataclass(frozen=True)
class EventComparison:
    """``before`` and ``after``: all events, by their start. ``fewer``: those of before without one of after at the same
    time; ``more``: the other way round. Events that overlap are of the same time, so one may stand for several."""

    before: tuple[Event, ...]
    after: tuple[Event, ...]
    fewer: tuple[Event, ...]
    more: tuple[Event, ...]

    @classmethod
    def of(cls, before: Sequence[Event], after: Sequence[Event]) -> EventComparison:
        first, second = (sorted(events, key=lambda event: event.started_s) for events in (before, after))
        return cls(tuple(first), tuple(second), _alone(first, second), _alone(second, first))


def last_known_s(event: Event) -> float:
    """Its end; of an open event, the latest moment of it that is known."""
    return max(event.opened_s, event.peak_s) if event.ended_s is None else event.ended_s


def _alone(events: Sequence[Event], others: Sequence[Event]) -> tuple[Event, ...]:
    """Events that no other overlaps. Both are in order, and those of one side do not overlap each other."""
    alone, n = [], 0
    for event in events:
        while n < len(others) and last_known_s(others[n]) < event.started_s:
            n += 1
        if n == len(others) or others[n].started_s > last_known_s(event):
            alone.append(event)
    return tuple(alone)
