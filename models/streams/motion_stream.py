"""Motion: what moves where, in which direction and how fast, against what normally does there.

Location-aware exemplars of motion; the closest published relative is Ramachandra & Jones, WACV 2020 (street scene).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.exemplars.coreset import greedy_k_center_sets
from models.exemplars.exemplars import Exemplars, every_place, rows_of_places
from models.exemplars.place_scales import place_scales
from models.frames.frame import CameraContext, Features, Frame
from models.frames.optical_flow import LONG_SIDE_PX, Flow
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import MotionOptions
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import InsufficientFootageError

DIRECTIONS = 8
ROWS, COLUMNS = 16, 25  # cells; docs/decisions/002-motion-stream.md
CELLS = ROWS * COLUMNS
WINDOW_S = 0.5
_CHUNK_CELLS = 8  # exemplars are drawn for this many cells at once: stays within the processor's cache
_LEAST_SCALE = 5e-4  # long sides per second: below, all is noise

Window = tuple[tuple[float, float, NDArray[np.float32]], ...]  # (since_s, at_s, pooled) of the flows it may need


def make(spec: StreamSpec) -> MotionStream:
    """The stream of a profile's entry. Raises `ConfigurationError` for options that `MotionOptions` does not have."""
    return MotionStream(spec.name, MotionOptions.from_spec(spec).exemplars, spec.cap)


class MotionStream:
    """One vector per cell and frame: mean speed in each of 8 directions over the last half second.

    Cells are half-overlapping, `ROWS` x `COLUMNS` whatever the picture's shape, so a bank fits every frame size.
    """

    resolution = 0.02  # of a cell's scale
    look_back_s = WINDOW_S

    def __init__(self, name: str, exemplars: int, cap: int) -> None:
        self.name = name
        self.dim = DIRECTIONS
        self._exemplars = exemplars
        self._cap = cap

    def extract(self, batch: FrameBatch) -> list[Features]:
        """`CELLS` vectors per frame, in long sides of the picture per second, without those of cells that do not count;
        none where there is no flow."""
        parts = zip(batch.frames, batch.contexts, batch.counted_flows, strict=True)
        return [self._read(frame, context, flow) for frame, context, flow in parts]

    def _read(self, frame: Frame, context: CameraContext, flow: Flow | None) -> Features:
        if flow is None:
            context.memory.pop(self.name, None)
            return Features.none(self.dim)
        before: Window = context.memory.get(self.name, ())  # type: ignore[assignment]
        start_s = frame.at_s - WINDOW_S
        kept = tuple(entry for entry in before if entry[1] > start_s)
        window = (*kept, (flow.since_s, flow.at_s, pool(direct(flow.velocity))))
        context.memory[self.name] = window
        groups, boxes = np.arange(CELLS, dtype=np.int32), cell_boxes(frame.width, frame.height)
        features = Features(_mean(window, start_s), boxes, groups)
        if context.mask.whole:
            return features
        return features.take(context.mask.counts_places(boxes, frame.width, frame.height))

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        """Vectors (CELLS, exemplars, 8): per cell k-center exemplars of its own vectors.

        At most ``cap`` frames are considered, chosen with the seed. Raises `InsufficientFootageError` when no frame has
        flow.
        """
        moving = np.array([n for n, part in enumerate(normal) if len(part)], np.int32)
        if not len(moving):
            raise InsufficientFootageError("no motion was measured: enrol from a moving picture of a second or more")
        generator = np.random.default_rng(seed)
        if len(moving) > self._cap:
            moving = moving[np.sort(generator.choice(len(moving), size=self._cap, replace=False))]
        first = int(generator.integers(len(moving)))
        wholes = [every_place(normal[n], CELLS) for n in moving]
        vectors, frames = [], []
        for start in range(0, CELLS, _CHUNK_CELLS):
            cells = np.stack([whole[start : start + _CHUNK_CELLS] for whole in wholes], axis=1)
            chosen = greedy_k_center_sets(cells, self._exemplars, first)
            vectors.append(np.take_along_axis(cells, chosen[..., None], axis=1))
            frames.append(moving[chosen])
        regions = np.repeat(rows_of_places(normal[moving[0]], CELLS)[:, None], self._exemplars, axis=1)
        return Exemplars(np.concatenate(vectors), np.concatenate(frames), regions)

    def scales(self, distances: NDArray[np.float32], groups: NDArray[np.int32]) -> NDArray[np.float32]:
        """What counts as far in each cell, float32 (CELLS,): a high quantile of its normal ``distances`` (frames,
        n), evened out over its neighbours, plus that of the whole picture. So a small movement where nothing moves
        stands out from the noise of a busy place, and what is far away from what is near.
        """
        return place_scales(distances, groups, (ROWS, COLUMNS), _LEAST_SCALE)

    def preprocessing(self) -> dict[str, Any]:
        return {
            "flow": "DIS fast",
            "long_side_px": LONG_SIDE_PX,
            "cells": [ROWS, COLUMNS],
            "directions": DIRECTIONS,
            "window_s": WINDOW_S,
        }


def direct(velocity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Split each velocity (h, w, 2) into non-negative parts along the two nearest of 8 directions: (8, h, w).

    Direction ``b`` points at ``b * 45`` degrees, from rightward to downward. The split is the exact decomposition of
    the vector into the two: half way between both axes goes what it has of both, and along the longer axis the rest.
    So it is linear in speed and continuous in angle.
    """
    x, y = cv2.split(velocity)
    parts = np.empty((DIRECTIONS, *x.shape), np.float32)
    right, right_down, down, left_down, left, left_up, up, right_up = parts
    np.maximum(x, 0.0, out=right)
    np.maximum(y, 0.0, out=down)
    np.subtract(right, x, out=left)
    np.subtract(down, y, out=up)
    sides = (right_down, right, down), (left_down, left, down), (left_up, left, up), (right_up, right, up)
    for between, across, along in sides:
        np.minimum(across, along, out=between)
    for between, across, along in sides:
        across -= between
        along -= between
    parts[1::2] *= np.sqrt(np.float32(2.0))
    return parts


def pool(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of each of the maps (8, h, w) over each cell: (CELLS, 8)."""
    cells = _shares(parts.shape[1], ROWS) @ parts @ _shares(parts.shape[2], COLUMNS).T
    return np.asarray(cells.transpose(1, 2, 0).reshape(CELLS, DIRECTIONS), np.float32)


@cache
def _shares(pixels: int, cells: int) -> NDArray[np.float32]:
    """float32 (cells, pixels): how much each pixel of a side counts in each cell; cells cover half of the next one."""
    edges = np.arange(cells + 2) * pixels / (cells + 1)
    low, high = edges[:-2, None], edges[2:, None]
    first = np.arange(pixels)
    covered = np.clip(np.minimum(high, first + 1) - np.maximum(low, first), 0.0, 1.0)
    return np.asarray(covered / covered.sum(axis=1, keepdims=True), np.float32)


def cell_boxes(width: int, height: int) -> NDArray[np.float32]:
    """float32 (CELLS, 4), x1, y1, x2, y2 in pixels of a frame."""
    rows, columns = np.divmod(np.arange(CELLS), COLUMNS)
    corners = np.stack([columns, rows, columns + 2, rows + 2], axis=1)
    block = np.array([width / (COLUMNS + 1), height / (ROWS + 1)] * 2)
    return np.asarray(corners * block, np.float32)


def _mean(window: Window, start_s: float) -> NDArray[np.float32]:
    """Mean over the time since ``start_s`` that the flows cover: each weighs its share of that time."""
    total, covered_s = np.zeros((CELLS, DIRECTIONS), np.float32), 0.0
    for since_s, at_s, pooled in window:
        share_s = at_s - max(since_s, start_s)
        total += pooled * np.float32(share_s)
        covered_s += share_s
    return total / np.float32(covered_s)
