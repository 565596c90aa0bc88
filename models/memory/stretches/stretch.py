"""A stretch of remembered normal: up to half a minute of one camera's features, with scores, exclusions, thumbnails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import EventRule
from models.frames.frame import Features
from models.frames.view import WHOLE_VIEW, View
from models.profiles.profile import StreamKind

STRETCH_S = 30.0
SAME_RUN_WITHIN_S = EventRule.gap_s  # two frames farther apart are of two runs, and of two stretches
_SLACK_S = 1.0  # a frame that comes late may be the last


class Exclusion(IntFlag):
    """Why a frame is not learnt, as bits of a mask. An operator's word is stronger than what we saw ourselves, and
    `REJECTED` stronger than `CONFIRMED`."""

    ALERT = 1  # an anomaly alert covered it, or was shortly before or after
    CONDITION = 2  # the picture as a whole was wrong: tampering, blindness, a transition
    HIGH = 4  # its score was over the alarm level, without an alert
    REJECTED = 8  # by an operator: it is no part of normal
    CONFIRMED = 16  # by an operator: it is normal, whatever it looked like
    ADDED = 32  # only what was added to normal kept it under the level: it stays there, where it can be undone


NOT_EXCLUDED = Exclusion(0)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG of the frame of this number in its stretch."""

    frame: int
    jpeg: bytes


@dataclass(frozen=True)
class StretchIdentity:
    """What made the features. ``engine``: `models.engine.engine.Engine.identity`, as JSON values. ``view``: what
    counted in the pictures. ``fingerprint``: equal where features may be mixed (`.stretch_identity`)."""

    engine: dict[str, Any]
    fingerprint: str
    view: View = WHOLE_VIEW


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of one camera and profile, at most `STRETCH_S` of them.

    ``started_ms``: when the first was captured, Unix time. ``times_s``: float64 (n,) on the camera's own time,
    rising. ``runs``: int32 (n,), another number after a discontinuity. ``kinds``: of the streams of the
    profile, in its order. ``features``: per stream n `Features`; without any vector where the stream was silent. Frames
    between two samples hold the earlier one, the very same object. ``size``: width and height of the pictures in
    pixels. ``scores``: float32 (n,), each frame's score as it was given live (0..1), NaN where there was no bank.
    ``excluded``: uint8 (n,), bits of `Exclusion`.
    """

    started_ms: int
    times_s: NDArray[np.float64]
    runs: NDArray[np.int32]
    kinds: tuple[StreamKind, ...]
    features: tuple[tuple[Features, ...], ...]
    size: tuple[int, int]
    scores: NDArray[np.float32]
    excluded: NDArray[np.uint8]
    thumbnails: tuple[Thumbnail, ...]
    identity: StretchIdentity

    def __post_init__(self) -> None:
        frames = len(self.times_s)
        columns = (self.times_s, self.runs, self.scores, self.excluded)
        if not frames or any(column.shape != (frames,) for column in columns):
            raise ValueError(f"a stretch has one value of each kind per frame, not {[c.shape for c in columns]}")
        if len(self.features) != len(self.kinds) or any(len(stream) != frames for stream in self.features):
            raise ValueError(f"a stretch of {len(self.kinds)} streams has {frames} features of each")
        if any(not 0 <= thumbnail.frame < frames for thumbnail in self.thumbnails):
            raise ValueError("a thumbnail shows a frame of its stretch")
        if not np.isfinite(self.times_s).all() or self.seconds > STRETCH_S + _SLACK_S:
            raise ValueError(f"a stretch lasts at most {STRETCH_S:g} s, not {self.seconds:g} s")
        if not (np.diff(self.times_s) > 0).all():
            raise ValueError("the times of a stretch rise")

    def __len__(self) -> int:
        return len(self.times_s)

    def until(self, at_s: float) -> Stretch | None:
        """The frames up to this moment of the camera's own time; None without any."""
        count = int(np.searchsorted(self.times_s, at_s, side="right"))
        if not count:
            return None
        return replace(
            self, times_s=self.times_s[:count], runs=self.runs[:count],
            features=tuple(stream[:count] for stream in self.features), scores=self.scores[:count],
            excluded=self.excluded[:count],
            thumbnails=tuple(thumbnail for thumbnail in self.thumbnails if thumbnail.frame < count),
        )  # fmt: skip

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(self.times_s[-1] - self.times_s[0])

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """Per frame, (n,), whether a bank may be learnt from it."""
        confirmed = (self.excluded & Exclusion.CONFIRMED) != 0
        rejected = (self.excluded & Exclusion.REJECTED) != 0
        return np.asarray(((self.excluded == 0) | confirmed) & ~rejected, np.bool_)


@dataclass(frozen=True, slots=True)
class StretchInfo:
    """A stored stretch in short. ``bytes``: on disk. Rarities are over the frames that have one, None where none has.
    ``excluded``: share of frames that must not be learnt, 0..1. ``identity``: `StretchIdentity.fingerprint`."""

    id: str
    started_ms: int
    seconds: float
    frames: int
    bytes: int
    mean_score: float | None
    max_score: float | None
    excluded: float
    identity: str

    @property
    def ended_ms(self) -> int:
        return self.started_ms + math.ceil(self.seconds * 1000)


def score_summary(scores: Sequence[float] | NDArray[np.float32]) -> tuple[float | None, float | None]:
    """Mean and maximum of those that are known; None without any."""
    known = np.asarray(scores, np.float64)
    known = known[np.isfinite(known)]
    return (float(known.mean()), float(known.max())) if len(known) else (None, None)
