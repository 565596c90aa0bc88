"""Events for tests of what recurs: a strange person for a few seconds, as features, stretches and occurrences."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from plain_stream import PICTURE, features_at

from models.frames.frame import Features, Frame
from models.memory.event_footage import EventFootage, EventFrame
from models.memory.recurrence import Occurrence
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion, Stretch, StretchIdentity
from models.memory.stretches.stretch_collector import StretchCollector
from models.profiles.profile import StreamKind

FPS = 5
DAY_MS = 86_400_000
# A Monday at noon in winter, so that no change of the clock is near.
MIDNIGHT_MS = round(time.mktime((2026, 1, 12, 0, 0, 0, 0, 0, -1)) * 1000)


def at(day: int, hour: float) -> int:
    """Unix time of an hour of a day, counted from a Monday."""
    return MIDNIGHT_MS + day * DAY_MS + round(hour * 3_600_000)


def occurrence(day: int, hour: float, seconds: float = 4.0) -> Occurrence:
    started_ms = at(day, hour)
    return Occurrence(f"cam-{started_ms}", started_ms, started_ms + round(seconds * 1000))


def seen(strange: Sequence[float], seconds: float = 4.0, seed: int = 5) -> list[tuple[Features, Features]]:
    """5 s of a usual person, some seconds with strange ones at these centres, 5 s of the usual one."""
    noise = np.random.default_rng(seed)
    usual, rare = round(5 * FPS), round(seconds * FPS)
    centres = [(1.0,)] * usual + [tuple(strange)] * rare + [(1.0,)] * usual
    return [(features_at(*persons, noise=noise), features_at(5.0, noise=noise)) for persons in centres]


def footage(of: Occurrence, strange: Sequence[float], seed: int = 5) -> EventFootage:
    """What is remembered of it."""
    seconds = (of.ended_ms - of.started_ms) / 1000
    frames = seen(strange, seconds, seed)
    begin_ms = of.started_ms - 5000
    return EventFootage(tuple(EventFrame(begin_ms + n * 1000 / FPS, pair, n == 0) for n, pair in enumerate(frames)))


def stretch_of(
    of: Occurrence, strange: Sequence[float], identity: StretchIdentity, kinds: Sequence[StreamKind], seed: int = 5
) -> Stretch:
    """A stretch with all of it, as the inference worker would have stored it."""
    collector = StretchCollector(kinds, identity)
    seconds = (of.ended_ms - of.started_ms) / 1000
    for n, pair in enumerate(seen(strange, seconds, seed)):
        is_strange = 5 <= n / FPS < 5 + seconds
        excluded = Exclusion.ALERT if n / FPS < 10 + seconds else NOT_EXCLUDED
        captured_ms = of.started_ms - 5000 + n * 1000 // FPS
        collector.add(
            Frame(PICTURE, 100.0 + n / FPS), captured_ms, 1, pair, score=0.9 if is_strange else 0.2, excluded=excluded
        )
    return collector.finish()
