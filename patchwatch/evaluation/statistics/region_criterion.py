"""Region-based and track-based detection (RBDC, TBDC): whether what was pointed at is where the anomaly is.

Ramachandra & Jones, *Street Scene* (WACV 2020), section 4: a labelled region is found by a detection of its frame that
overlaps it with an IoU of at least 0.1; a track, by finding at least a tenth of its regions; a detection that overlaps
no region of its frame is a false positive. The measure is the area under the rate of found regions or tracks over false
positives per frame, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.1
TRACK_SHARE_OF = 10  # a tenth of a track's regions
MAX_FALSE_PER_FRAME = 1.0

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in any one unit
Found = float | None  # the score from which on downwards something is found; None: at no threshold


@dataclass(frozen=True)
class Region:
    """A labelled region of one frame, counted from 1. ``track``: regions of one thing share it."""

    frame: int
    box: Box
    track: int


@dataclass(frozen=True)
class RegionTally:
    """All that the criterion needs of a clip. ``regions``, ``tracks``: one each; ``false``: of each false positive."""

    frames: int
    regions: tuple[Found, ...]
    tracks: tuple[Found, ...]
    false: tuple[float, ...]


def tally_regions(regions: Sequence[Region], detections: Sequence[tuple[Box, float] | None]) -> RegionTally:
    """``detections``: of each frame the region that was pointed at and its score, None where there was none."""
    of_frame: dict[int, list[Region]] = {}
    for region in regions:
        of_frame.setdefault(region.frame, []).append(region)
    found: dict[int, list[Found]] = {}
    false = []
    for frame, detection in enumerate(detections, start=1):
        labelled = of_frame.get(frame, [])
        hits = [detection is not None and iou(detection[0], region.box) >= LEAST_IOU for region in labelled]
        for region, hit in zip(labelled, hits, strict=True):
            found.setdefault(region.track, []).append(detection[1] if detection is not None and hit else None)
        if detection is not None and not any(hits):
            false.append(detection[1])
    scores = tuple(score for of_track in found.values() for score in of_track)
    return RegionTally(len(detections), scores, tuple(map(_of_track, found.values())), tuple(false))


def _of_track(scores: Sequence[Found]) -> Found:
    """The highest threshold at which enough of a track's regions are found."""
    needed = -(-len(scores) // TRACK_SHARE_OF)
    highest = sorted((score for score in scores if score is not None), reverse=True)
    return highest[needed - 1] if len(highest) >= needed else None


def iou(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


@dataclass(frozen=True)
class DetectionCurve:
    """Found things and false positives of several clips, ready to be weighed by clip again and again.

    ``thresholds``: distinct scores, falling. ``found``, ``false``: counts at exactly each, (clips, thresholds).
    ``things``, ``frames``: per clip.
    """

    found: NDArray[np.float64]
    false: NDArray[np.float64]
    things: NDArray[np.float64]
    frames: NDArray[np.float64]

    @classmethod
    def of(cls, things: Sequence[Sequence[Found]], tallies: Sequence[RegionTally]) -> DetectionCurve:
        """``things``: regions or tracks of each clip."""
        found = [[score for score in clip if score is not None] for clip in things]
        false = [tally.false for tally in tallies]
        thresholds = np.unique([score for clip in (*found, *false) for score in clip])
        return cls(
            _counts(found, thresholds),
            _counts(false, thresholds),
            np.array([len(clip) for clip in things], np.float64),
            np.array([tally.frames for tally in tallies], np.float64),
        )

    def area(self, weights: NDArray[np.float64]) -> float:
        """``weights``: how often each clip counts. NaN without anything to find.

        Where all detections together make fewer false positives, the rate stays what it was.
        """
        things, frames = weights @ self.things, weights @ self.frames
        if not things or not frames:
            return float("nan")
        rate = np.concatenate([[0.0], np.cumsum(weights @ self.found) / things])
        false = np.concatenate([[0.0], np.cumsum(weights @ self.false) / frames])
        inside = false <= MAX_FALSE_PER_FRAME
        last = np.interp(MAX_FALSE_PER_FRAME, false, rate)
        return float(np.trapezoid([*rate[inside], last], [*false[inside], MAX_FALSE_PER_FRAME]))


def _counts(scores: Sequence[Sequence[float]], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.zeros((len(scores), len(thresholds)))
    for clip, of_clip in enumerate(scores):
        np.add.at(counts[clip], np.searchsorted(thresholds, np.asarray(of_clip, np.float64)), 1.0)
    return counts[:, ::-1]
