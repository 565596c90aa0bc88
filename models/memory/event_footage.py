"""What is remembered of one event: the frames of its stretches, from shortly before to shortly after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.frames.frame import Features
from models.memory.stretches.stretch import Exclusion, Stretch, StretchInfo

AROUND_MS = 5000  # that an alert's exclusion reaches to each side
_MOST_APART_MS = 2000  # of two frames: with more between them, something is missing


class EventFrame(NamedTuple):
    """``at_ms``: Unix time. ``features``: per stream of the profile. ``starts_run``: it does not follow on the last."""

    at_ms: float
    features: tuple[Features, ...]
    starts_run: bool


@dataclass(frozen=True)
class EventFootage:
    """All frames of an event with those around it, in order of time."""

    frames: tuple[EventFrame, ...]

    @classmethod
    def read(cls, stretches: Iterable[Stretch], started_ms: int, ended_ms: int) -> EventFootage | None:
        """Of an event from ``started_ms`` to ``ended_ms``, Unix time. ``stretches``: those of `stretches_of`, in order.

        None where some of the event is not remembered, where the picture as a whole was wrong in it, or where an
        operator rejected a part of it or of what is around it. Where the picture was wrong before or after it, as
        in the first second of a recording that movement began, what is around it ends there.
        """
        frames: list[EventFrame] = []
        for frame, excluded in _within(stretches, started_ms - AROUND_MS, ended_ms + AROUND_MS):
            wrong = bool(excluded & Exclusion.CONDITION)
            if excluded & Exclusion.REJECTED or (wrong and started_ms <= frame.at_ms <= ended_ms):
                return None
            if wrong and frame.at_ms > ended_ms:
                break
            frames = [] if wrong else [*frames, frame]
        at_ms = np.array([frame.at_ms for frame in frames])
        if not frames or at_ms[0] > started_ms + _MOST_APART_MS or at_ms[-1] < ended_ms - _MOST_APART_MS:
            return None
        return cls(tuple(frames)) if (np.diff(at_ms) <= _MOST_APART_MS).all() else None

    @property
    def features(self) -> list[tuple[Features, ...]]:
        return [frame.features for frame in self.frames]


def stretches_of(infos: Sequence[StretchInfo], started_ms: int, ended_ms: int) -> list[StretchInfo]:
    """Those that an event from ``started_ms`` to ``ended_ms`` is in, with what is around it, oldest first."""
    touched = [
        info for info in infos if info.ended_ms >= started_ms - AROUND_MS and info.started_ms <= ended_ms + AROUND_MS
    ]
    return sorted(touched, key=lambda info: (info.started_ms, info.id))


def _within(stretches: Iterable[Stretch], from_ms: int, until_ms: int) -> Iterator[tuple[EventFrame, int]]:
    last_run, last_ms = None, float("-inf")
    for stretch in stretches:
        at_ms = stretch.started_ms + 1000 * (stretch.times_s - stretch.times_s[0])
        for n in np.flatnonzero((at_ms >= from_ms) & (at_ms <= until_ms) & (at_ms > last_ms)):
            run = int(stretch.runs[n])
            features = tuple(stream[n] for stream in stretch.features)
            yield EventFrame(float(at_ms[n]), features, run != last_run), int(stretch.excluded[n])
            last_run, last_ms = run, float(at_ms[n])
