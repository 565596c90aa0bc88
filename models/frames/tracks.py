"""Tracks: the same mover from frame to frame, so that what is measured of it can be averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_OVERLAP = 0.1  # intersection over union: at 5 frames a second a walker leaves half of its box
_FORGOTTEN_S = 0.5  # without being seen


@dataclass(frozen=True, slots=True)
class Track:
    """A mover's last box, and its vectors with their times, newest last."""

    box_xyxy_px: NDArray[np.float32]
    at_s: float
    vectors: tuple[tuple[float, NDArray[np.float32]], ...]


def follow(
    tracks: tuple[Track, ...],
    at_s: float,
    boxes_xyxy_px: NDArray[np.float32],
    vectors: NDArray[np.float32],
    window_s: float,
) -> tuple[tuple[Track, ...], NDArray[np.float32]]:
    """The tracks after a frame, and the mean over the window of each mover's vectors (n, dim).

    Boxes (n, 4) go to the tracks with which they overlap most (Hungarian method). Nothing but the last boxes decides,
    so tracks begun anew from the last second of frames average the same.
    """
    live = [track for track in tracks if 0.0 < at_s - track.at_s <= _FORGOTTEN_S]
    chosen = _assign(live, boxes_xyxy_px)
    after, means = [], np.empty_like(vectors)
    for number, (box, vector) in enumerate(zip(boxes_xyxy_px, vectors, strict=True)):
        before = live[chosen[number]].vectors if number in chosen else ()
        kept = (*(entry for entry in before if entry[0] > at_s - window_s), (at_s, vector))
        means[number] = np.mean([entry[1] for entry in kept], axis=0)
        after.append(Track(box, at_s, kept))
    taken = set(chosen.values())
    lost = (track for number, track in enumerate(live) if number not in taken)
    return (*after, *lost), means


def _assign(tracks: list[Track], boxes: NDArray[np.float32]) -> dict[int, int]:
    """Number of the track of each box that has one."""
    if not tracks or not len(boxes):
        return {}
    from scipy.optimize import linear_sum_assignment  # its import takes a while: only where there are movers

    overlaps = overlap(boxes, np.stack([track.box_xyxy_px for track in tracks]))
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if overlaps[row, column] >= _LEAST_OVERLAP}


def overlap(some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes (n, 4) with others (m, 4): float32 (n, m)."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1) for boxes in (some, others)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.asarray(common / np.maximum(union, 1e-6), np.float32)
