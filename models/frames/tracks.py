"""Tracks: the same mover from frame to frame, so that what is measured of it can be averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import HISTORY_S

_LEAST_OVERLAP = 0.1  # intersection over union: at 5 frames a second a walker leaves half of its box
_FORGOTTEN_S = 0.5  # without being seen
_REACH_S = 1.0  # tracks begin no earlier than this before the frame that is asked about: boxes may be a second older
_OLDEST_S = HISTORY_S - 0.1  # ... nor with what was measured against an older frame


@dataclass(frozen=True, slots=True)
class Sighting:
    """The movers of one frame: float32 boxes (n, 4) and what was measured of each against the frame of ``since_s``,
    float32 ``vectors`` (n, dim)."""

    since_s: float
    at_s: float
    boxes_xyxy_px: NDArray[np.float32]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Track:
    """A mover's last box, and its vectors with their times, newest last."""

    box_xyxy_px: NDArray[np.float32]
    at_s: float
    vectors: tuple[tuple[float, NDArray[np.float32]], ...]


def recent(seen: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Those, of frames in order of time, that the tracks of the last one can depend on; it is always among them."""
    *before, last = seen
    reached = (
        sighting
        for sighting in before
        if sighting.at_s > last.at_s - _REACH_S and sighting.since_s > last.at_s - _OLDEST_S
    )
    return (*reached, last)


def mean_along_tracks(seen: Sequence[Sighting], window_s: float) -> NDArray[np.float32]:
    """Of each mover of the last frame the mean of its vectors over the window: float32 (n, dim).

    Boxes go to the tracks with which they overlap most (Hungarian method), from the first frame of ``seen`` on. All is
    followed again for every frame: a state carried on would depend on frames long past wherever two movers share a
    place, and a restarted worker has only the last few.
    """
    tracks: tuple[_Track, ...] = ()
    for sighting in seen:
        tracks = _follow(tracks, sighting, window_s)
    last = seen[-1]
    means = [np.mean([vector for _, vector in track.vectors], axis=0) for track in tracks[: len(last.vectors)]]
    return np.array(means, np.float32).reshape(last.vectors.shape)


def _follow(tracks: tuple[_Track, ...], sighting: Sighting, window_s: float) -> tuple[_Track, ...]:
    """The tracks after a frame: those of its movers, in their order, then those out of sight."""
    live = [track for track in tracks if 0.0 < sighting.at_s - track.at_s <= _FORGOTTEN_S]
    chosen = _assign(live, sighting.boxes_xyxy_px)
    after = []
    for number, (box, vector) in enumerate(zip(sighting.boxes_xyxy_px, sighting.vectors, strict=True)):
        before = live[chosen[number]].vectors if number in chosen else ()
        kept = (entry for entry in before if entry[0] > sighting.at_s - window_s)
        after.append(_Track(box, sighting.at_s, (*kept, (sighting.at_s, vector))))
    taken = set(chosen.values())
    return (*after, *(track for number, track in enumerate(live) if number not in taken))


def _assign(tracks: list[_Track], boxes: NDArray[np.float32]) -> dict[int, int]:
    """Number of the track of each box that has one."""
    if not tracks or not len(boxes):
        return {}
    from scipy.optimize import linear_sum_assignment  # its import takes a while: only where there are movers

    overlaps = _overlap(boxes, np.stack([track.box_xyxy_px for track in tracks]))
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if overlaps[row, column] >= _LEAST_OVERLAP}


def _overlap(some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes (n, 4) with others (m, 4): float32 (n, m)."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1) for boxes in (some, others)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.asarray(common / np.maximum(union, 1e-6), np.float32)
