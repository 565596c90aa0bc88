"""Spans of time laid over stretches: what operators say of normal is about times, and comes after they were stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features
from models.memory.stretches.stretch import Exclusion, Stretch

SpanMs = tuple[int, int]  # from and until, Unix time, both included


def within(stretch: Stretch, spans: Sequence[SpanMs]) -> NDArray[np.bool_]:
    """Which frames are within any of the spans: bool (n,)."""
    captured_ms = stretch.started_ms + np.rint((stretch.times_s - stretch.times_s[0]) * 1000)
    inside = np.zeros(len(stretch), np.bool_)
    for from_ms, until_ms in spans:
        inside |= (from_ms <= captured_ms) & (captured_ms <= until_ms)
    return inside


def overlaps(started_ms: int, ended_ms: int, spans: Sequence[SpanMs]) -> bool:
    """Whether any of the spans has a moment in common with this one."""
    return any(from_ms <= ended_ms and started_ms <= until_ms for from_ms, until_ms in spans)


def frames_within(
    stretch: Stretch, spans: Sequence[SpanMs], rejected: Sequence[SpanMs] = ()
) -> Iterator[tuple[Features, ...]]:
    """The features of the frames within the spans, of all streams in float32, but for those in ``rejected`` spans.
    Features that frames share are one object here too."""
    shared: dict[int, Features] = {}
    for n in np.flatnonzero(within(stretch, spans) & ~within(stretch, rejected)):
        yield tuple(_as_float32(frames[n], shared) for frames in stretch.features)


def _as_float32(features: Features, shared: dict[int, Features]) -> Features:
    known = shared.get(id(features))
    if known is None:
        known = shared[id(features)] = replace(features, vectors=np.asarray(features.vectors, np.float32))
    return known


def learning(stretch: Stretch, spans: Sequence[SpanMs]) -> Stretch:
    """The stretch with the frames within the spans as if nothing had alarmed in them. Without any, the very same. What
    the picture as a whole was wrong in, or only additions kept quiet, stays excluded."""
    inside = within(stretch, spans)
    if not inside.any():
        return stretch
    alarmed = np.uint8(Exclusion.ALERT | Exclusion.HIGH)
    marks = np.where(inside, stretch.excluded & ~alarmed, stretch.excluded)
    return replace(stretch, excluded=marks.astype(np.uint8))


def rejecting(stretch: Stretch, spans: Sequence[SpanMs]) -> Stretch:
    """The stretch with the frames within the spans marked as no part of normal. Without any, the very same."""
    inside = within(stretch, spans)
    if not inside.any():
        return stretch
    marks = np.where(inside, stretch.excluded | np.uint8(Exclusion.REJECTED), stretch.excluded)
    return replace(stretch, excluded=marks.astype(np.uint8))
