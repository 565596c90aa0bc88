"""Gathers the frames of one camera, one by one, into a stretch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.exemplars.provenance import thumbnail
from models.frames.frame import Features
from models.memory.samples import StreamSampler
from models.memory.stretches.stretch import (
    NOT_EXCLUDED,
    SAME_RUN_WITHIN_S,
    STRETCH_S,
    Exclusion,
    Stretch,
    StretchIdentity,
    Thumbnail,
)
from models.profiles.profile import StreamKind

THUMBNAIL_EVERY_S = 5.0
MOST_FRAMES = 3600  # 120 frames a second, the highest analysis rate
_MOST_THUMBNAILS = 12  # where cuts follow each other
_MOST_BYTES = 6 * 2**20  # of vectors: a crowd ends a stretch early
_LEAST_STEP_S = 1e-6


class PicturedFrame(Protocol):
    """A `models.frames.frame.Frame`, or what stands for one. ``rgb`` is asked for where a thumbnail is due."""

    @property
    def at_s(self) -> float: ...
    @property
    def discontinuity(self) -> bool: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def rgb(self) -> NDArray[np.uint8]: ...


@dataclass(slots=True)
class _Row:
    at_s: float
    run: int
    score: float
    excluded: Exclusion


class StretchCollector:
    """A stretch under construction: `fits` says whether a frame may be added."""

    def __init__(self, kinds: Sequence[StreamKind], identity: StretchIdentity, length_s: float = STRETCH_S) -> None:
        self._kinds = tuple(kinds)
        self._identity = identity
        self._length_s = min(length_s, STRETCH_S)
        self._rows: list[_Row] = []
        self._features: list[list[Features]] = [[] for _ in kinds]
        self._thumbnails: list[Thumbnail] = []
        self._samplers: list[StreamSampler] = []
        self._bytes = 0
        self._started_ms = 0
        self._size = (0, 0)
        self._pictured_s = -math.inf

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def started_s(self) -> float:
        """The camera's own time of the first frame; infinity before there is one."""
        return self._rows[0].at_s if self._rows else math.inf

    @property
    def started_ms(self) -> int:
        """When the first frame was captured, Unix time; 0 before there is one."""
        return self._started_ms

    @property
    def ended_s(self) -> float:
        """The camera's own time of the last frame; minus infinity before the first."""
        return self._rows[-1].at_s if self._rows else -math.inf

    @property
    def highest(self) -> float:
        """The highest known score of the frames that may be learnt; NaN without any."""
        known = [row.score for row in self._rows if not row.excluded and math.isfinite(row.score)]
        return max(known, default=math.nan)

    @property
    def peak(self) -> float:
        """The highest known score, of excluded frames too; 0 without any."""
        return max((row.score for row in self._rows if math.isfinite(row.score)), default=0.0)

    @property
    def reasons(self) -> Exclusion:
        """All reasons for which some frame is excluded."""
        return reduce(or_, (row.excluded for row in self._rows), NOT_EXCLUDED)

    @property
    def wholly_excluded(self) -> bool:
        return all(row.excluded for row in self._rows)

    def fits(self, frame: PicturedFrame) -> bool:
        """Whether the frame belongs to this stretch: it is not full, and the frame follows on its last."""
        if not self._rows:
            return True
        if len(self._rows) >= MOST_FRAMES or self._bytes >= _MOST_BYTES or (frame.width, frame.height) != self._size:
            return False
        since_last_s, since_first_s = frame.at_s - self._rows[-1].at_s, frame.at_s - self._rows[0].at_s
        return _LEAST_STEP_S < since_last_s <= SAME_RUN_WITHIN_S and since_first_s <= self._length_s

    def add(
        self,
        frame: PicturedFrame,
        captured_ms: int,
        run: int,
        features: Sequence[Features],
        *,
        score: float = math.nan,
        excluded: Exclusion = NOT_EXCLUDED,
    ) -> None:
        """Add a frame that `fits`. ``captured_ms``: Unix time. ``score``: its score, NaN where there is no bank."""
        if not self._rows:
            self._started_ms, self._size = captured_ms, (frame.width, frame.height)
            self._samplers = [StreamSampler(kind, self._size) for kind in self._kinds]
        starts_run = not self._rows or self._rows[-1].run != run
        for kept, sampler, part in zip(self._features, self._samplers, features, strict=True):
            held = sampler.take(frame.at_s, part, starts_run=starts_run)
            if not kept or kept[-1] is not held:
                self._bytes += held.vectors.nbytes
            kept.append(held)
        due = frame.at_s - self._pictured_s >= THUMBNAIL_EVERY_S or starts_run
        if due and len(self._thumbnails) < _MOST_THUMBNAILS:
            self._pictured_s = frame.at_s
            self._thumbnails.append(Thumbnail(len(self._rows), thumbnail(frame.rgb)))
        self._rows.append(_Row(frame.at_s, run, score, excluded))

    def exclude(self, since_s: float, reason: Exclusion) -> None:
        """Exclude, in retrospect, all frames from this moment of the camera's own time on."""
        for row in reversed(self._rows):
            if row.at_s < since_s:
                break
            row.excluded |= reason

    def finish(self) -> Stretch:
        """The stretch of all frames added. Raises ValueError without any."""
        return Stretch(
            started_ms=self._started_ms,
            times_s=np.array([row.at_s for row in self._rows], np.float64),
            runs=np.array([row.run for row in self._rows], np.int32),
            kinds=self._kinds,
            features=tuple(map(tuple, self._features)),
            size=self._size,
            scores=np.array([row.score for row in self._rows], np.float32),
            excluded=np.array([int(row.excluded) for row in self._rows], np.uint8),
            thumbnails=tuple(self._thumbnails),
            identity=self._identity,
        )
