"""How the features of a stream are kept: how often, how precisely, and which regions follow from the stream itself.

Chosen by docs/decisions/037-memory-of-normal.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features
from models.profiles.profile import StreamKind
from models.streams.motion_stream import CELLS, cell_boxes
from models.streams.place_stream import PLACES, place_boxes

Grid = tuple[NDArray[np.float32], NDArray[np.int32]]  # boxes in pixels of the frame, and groups
_EARLY_S = 0.02  # frame times jitter
_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class SampleForm:
    """``interval_s``: between two samples; 0 keeps every frame. ``dtype``: of the vectors. ``step``: a power of two
    that all numbers are multiples of; None leaves them as they are. ``regions``: how many vectors every frame has that
    has any, and the boxes they stand for in a picture of some width and height; None where that differs by frame."""

    interval_s: float = 0.0
    dtype: type[np.floating[Any]] = np.float32
    step: float | None = None
    regions: tuple[int, Callable[[int, int], NDArray[np.float32]]] | None = None


_EVERYTHING = SampleForm()
_FORMS = {
    StreamKind.PLACE: SampleForm(0.5, np.float16, 2.0**-6, (PLACES, place_boxes)),
    StreamKind.MOTION: SampleForm(0.1, np.float16, 2.0**-15, (CELLS, cell_boxes)),
    StreamKind.GLOBAL: SampleForm(dtype=np.float16),
    StreamKind.LOCAL: SampleForm(dtype=np.float16),
}


def form_of(kind: StreamKind) -> SampleForm:
    """How streams of this kind are kept."""
    return _FORMS.get(kind, _EVERYTHING)


@lru_cache(maxsize=64)
def grid_of(kind: StreamKind, size: tuple[int, int]) -> Grid:
    """The regions and groups of a stream whose regions are the same in all frames of this width and height."""
    regions = form_of(kind).regions
    if regions is None:
        raise ValueError(f"the regions of a {kind.value} stream differ by frame")
    count, boxes = regions
    return boxes(*size), np.arange(count, dtype=np.int32)


def kept(kind: StreamKind, features: Features, size: tuple[int, int]) -> Features:
    """As it is kept. Regions that are the same in all frames are one array for all of them."""
    form, vectors = form_of(kind), features.vectors
    if form.step is not None:
        vectors = np.rint(vectors / np.float32(form.step)) * np.float32(form.step)
    if form.dtype is not np.float32:
        vectors = np.clip(vectors, -_LARGEST, _LARGEST).astype(form.dtype)
    if form.regions is not None and len(features) == form.regions[0]:
        return Features(vectors, *grid_of(kind, size))
    return Features(vectors, features.boxes_xyxy_px, features.groups)


@dataclass
class StreamSampler:
    """Of the frames of one stream, which are to be kept: samples at least an interval apart, and the silence between
    them. A frame without a sample of its own holds the last."""

    kind: StreamKind
    size: tuple[int, int]
    _held: Features | None = None
    _held_s: float = 0.0

    def take(self, at_s: float, features: Features, *, starts_run: bool) -> Features:
        """The features that this frame is remembered with."""
        held = self._held
        due = at_s - self._held_s >= form_of(self.kind).interval_s - _EARLY_S
        if held is None or starts_run or due or bool(len(held)) != bool(len(features)):
            held = self._held = kept(self.kind, features, self.size)
            self._held_s = at_s
        return held
