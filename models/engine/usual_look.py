"""How a view has mostly looked of late, and whether a frame departs from that: in a view that the bank does not know
yet, as a first night, where all is unusual to it. The view is its own measure: neither bank nor levels are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features
from models.profiles.profile import OF_PLACES, Profile

MOST_SAMPLES = 24
LONGEST_STEP_S = 32.0  # of footage between two samples: together they reach back some thirteen minutes
LEAST_SAMPLES = 8
SETTLED_S = 60.0  # what has been there for less tells nothing of what is usual
FAR = 2.0  # times as far as the farthest place of most samples; docs/decisions/072-whoever-comes-in-a-new-view.md
_LEAST_SCALE = 0.25  # of the median of all places: one where nothing ever stirs would depart for nothing
_TINY = 1e-6

Vectors = NDArray[np.float32]


class _Sample(NamedTuple):
    """``at_s``: on the camera's own time. ``features``: of each stream of places, by its position in the profile."""

    at_s: float
    features: dict[int, Features]


@dataclass(frozen=True)
class _Usual:
    """Of one stream of places: ``groups`` (n,), ``vectors`` (k, n, dim) that each place mostly showed, the distance in
    ``scales`` (n,) and the ``limit`` beyond which a place departs."""

    groups: NDArray[np.int32]
    vectors: Vectors
    scales: Vectors
    limit: float

    @classmethod
    def of(cls, samples: Sequence[Features]) -> Self | None:
        """Of each place the half of the samples that is most alike, so that what passed, or stood there for less than
        half of them, is no part of it. Scales and limit are medians over the samples, each held against the others.
        None where too few have the places of the latest."""
        seen = [one for one in samples if len(one)]
        alike = [one for one in seen if np.array_equal(one.groups, seen[-1].groups)]
        if len(alike) < LEAST_SAMPLES:
            return None
        vectors = np.stack([np.asarray(one.vectors, np.float32) for one in alike])
        from_middle = np.linalg.norm(vectors - np.median(vectors, axis=0), axis=2)
        nearest = from_middle.argsort(axis=0)[: len(vectors) // 2 + 1]
        usual = np.take_along_axis(vectors, nearest[..., None], axis=0)
        distances = np.stack([_nearest(one, usual, nearest == n) for n, one in enumerate(vectors)])
        scales = np.median(distances, axis=0)
        scales = np.maximum(scales, _LEAST_SCALE * np.median(scales) + _TINY).astype(np.float32)
        limit = FAR * float(np.median((distances / scales).max(axis=1)))
        return cls(alike[-1].groups, usual, scales, limit)

    def departs(self, features: Features) -> bool:
        """Whether some place of a frame does; every frame does where other places count."""
        if not np.array_equal(features.groups, self.groups):
            return bool(len(features))
        return float((_nearest(features.vectors, self.vectors) / self.scales).max(initial=0.0)) > self.limit


def _nearest(vectors: NDArray[np.floating], usual: Vectors, but: NDArray[np.bool_] | None = None) -> Vectors:
    """The distance of each place's vector, (n, dim), to the nearest that is usual there, ``but`` (k, n) for some."""
    distances = np.linalg.norm(usual - vectors, axis=2)
    return np.asarray((distances if but is None else np.where(but, np.inf, distances)).min(axis=0), np.float32)


class UsualLook:
    """Samples of one view: one a second of footage at first, then ever more seldom, so that a minute of looks and ten
    minutes in one piece are both sampled from end to end."""

    def __init__(self, profile: Profile) -> None:
        self._of_places = [position for position, spec in enumerate(profile.streams) if spec.kind in OF_PLACES]
        self._samples: list[_Sample] = []
        self._step_s, self._next_s = 1.0, 0.0
        self._settled: list[_Sample] = []
        self._usual: dict[int, _Usual] = {}  # by position of the stream

    def take(self, seen_s: float, at_s: float, features: Sequence[Features]) -> None:
        """Take a frame, unless the last sample is too near. ``seen_s``: of footage so far."""
        if seen_s < self._next_s:
            return
        self._samples.append(_Sample(at_s, {position: features[position] for position in self._of_places}))
        if len(self._samples) > MOST_SAMPLES and self._step_s < LONGEST_STEP_S:
            self._step_s *= 2
            self._samples = self._samples[::2]
        self._samples = self._samples[-MOST_SAMPLES:]
        self._next_s = seen_s + self._step_s

    def departs(self, features: Sequence[Features], at_s: float) -> bool:
        """Whether something in a frame departs from what the view showed until a minute ago. As long as too little was
        seen of it, everything does. What finds its regions itself, as objects, is not asked: places see them too."""
        settled = [sample for sample in self._samples if at_s - sample.at_s >= SETTLED_S]
        if [sample.at_s for sample in settled] != [sample.at_s for sample in self._settled]:
            self._settled, self._usual = settled, self._measured(settled)
        asked = [position for position in self._of_places if len(features[position])]
        return not self._usual or any(
            position not in self._usual or self._usual[position].departs(features[position]) for position in asked
        )

    def _measured(self, samples: Sequence[_Sample]) -> dict[int, _Usual]:
        measured = {
            position: _Usual.of([sample.features[position] for sample in samples]) for position in self._of_places
        }
        return {position: usual for position, usual in measured.items() if usual is not None}
