"""Where the anomaly of a labelled frame is, where labels say so: boxes of our JSON, masks of UCSD and Avenue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.clips import MASKS, ClipFrames
from patchwatch.evaluation.labels import avenue
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.statistics.metrics import Truth
from patchwatch.evaluation.statistics.region_criterion import Box, Region, iou
from workers.media.frame_folder import pictures_in


def clip_regions(labels: Labels, frames: ClipFrames, truth: Truth) -> tuple[Region, ...] | None:
    """The labelled regions of a clip in fractions of the picture; None where it is anomalous and nothing says where.

    Raises `RejectedError` for masks that cannot be read or are not one for each frame.
    """
    name = frames.clip.name
    if not truth.any():
        return ()
    if name in labels.regions:
        return labels.regions[name]
    masks = _masks(labels, frames)
    return None if masks is None else follow([_boxes(mask) for mask in masks])


def _masks(labels: Labels, frames: ClipFrames) -> Iterable[NDArray[np.bool_]] | None:
    path, clip = frames.clip.path, frames.clip.name
    beside = path.with_name(f"{clip}{MASKS}")
    if beside.is_dir():
        return _pictures(beside, len(frames))
    if labels.format == "avenue":
        return avenue.masks(labels.path, clip)
    return None


def _pictures(folder: Path, frames: int) -> Iterator[NDArray[np.bool_]]:
    pictures = pictures_in(folder)
    if len(pictures) != frames:
        raise RejectedError(f"{folder} holds {len(pictures)} masks for a clip of {frames} frames: copy it again")
    for path in pictures:
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise RejectedError(f"mask {path} cannot be read: copy it again")
        yield np.asarray(mask > 0)


def _boxes(mask: NDArray[np.bool_]) -> list[Box]:
    """The bounding boxes of a mask's connected parts."""
    height, width = mask.shape
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    columns = (parts[1:, cv2.CC_STAT_LEFT], parts[1:, cv2.CC_STAT_TOP])
    left, top = (column.tolist() for column in columns)
    wide, high = (parts[1:, stat].tolist() for stat in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    return [
        (x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h in zip(left, top, wide, high, strict=True)
    ]


def follow(frames: Sequence[Sequence[Box]]) -> tuple[Region, ...]:
    """Tracks through the boxes of successive frames: each goes on in the next frame's box that overlaps it most."""
    regions, before, tracks = [], list[Region](), 0
    for number, boxes in enumerate(frames, start=1):
        now = []
        for box, track in zip(boxes, _continued(before, boxes), strict=True):
            tracks += track is None
            now.append(Region(number, box, tracks if track is None else track))
        regions += now
        before = now
    return tuple(regions)


def _continued(before: Sequence[Region], boxes: Sequence[Box]) -> list[int | None]:
    """The track that each box goes on with, the greatest overlaps first; None where a new one begins."""
    pairs = ((iou(region.box, box), region.track, n) for region in before for n, box in enumerate(boxes))
    chosen: list[int | None] = [None] * len(boxes)
    for overlap, track, n in sorted(pairs, reverse=True):
        if overlap > 0 and chosen[n] is None and track not in chosen:
            chosen[n] = track
    return chosen
