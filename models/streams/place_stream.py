"""Place: what each place of the picture looks like, against what normally stands or passes there.

PatchCore (Roth et al., CVPR 2022) with exemplars of a place's own: patches of a pretrained network's middle layers,
compared with those seen at the same place and beside it. Averaged over a second, so that what lies or stands where
nothing does is plain, and what passes is not. docs/decisions/036-detection.md
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.exemplars.coreset import greedy_k_center_sets
from models.exemplars.exemplars import Exemplars, every_place, rows_of_places
from models.exemplars.place_scales import place_scales
from models.frames.frame import HISTORY_S, CameraContext, Features, Frame
from models.frames.frame_reuse import SAMPLES_PER_S
from models.frames.optical_flow import MAX_GAP_S
from models.frames.view import ViewMask
from models.profiles.profile import StreamSpec
from models.profiles.stream_options import PlaceOptions
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import InsufficientFootageError

if TYPE_CHECKING:
    from models.patch_network.patch_network import PatchMaps

ROWS, COLUMNS = 16, 24  # whatever the picture's shape
PLACES = ROWS * COLUMNS
DIM = 48  # of the projected patches
WINDOW_S = 1.0
_FULL_S = WINDOW_S - 0.1  # frame times jitter
_REACH_S = HISTORY_S - 0.1  # a frame so long ago still shows that a view lasted: at 1 fps one may come late
CONTEXT = 6.0  # half boxes: a network sees farther than a patch; measured in docs/decisions/039-zones.md
_BLUR = 3, 3  # patches see their neighbours: half a patch to the side is the same thing
_CHUNK_PLACES = 8  # exemplars are drawn for this many places at once: stays within the processor's cache
_LEAST_SCALE = 1e-3
_NAME = b"patchwatch place stream"
NOTHING = Features.none(DIM)


@dataclass(frozen=True, slots=True)
class _View:
    """What is remembered of an unbroken view: ``times_s`` of the samples within `_REACH_S`, the ``maps`` of the last of
    them, and what they gave."""

    size: tuple[int, int]
    times_s: tuple[float, ...] = ()
    maps: tuple[NDArray[np.float32], ...] = ()
    features: Features = NOTHING

    def goes_on(self, frame: Frame) -> bool:
        same = self.size == (frame.width, frame.height) and not frame.discontinuity
        return same and 0.0 < frame.at_s - self.times_s[-1] <= MAX_GAP_S

    def then(self, at_s: float, patches: NDArray[np.float32], mask: ViewMask) -> _View:
        """With a further sample, and without what is too old. ``mask``: which places count."""
        times_s = (*(then_s for then_s in self.times_s if then_s > at_s - _REACH_S), at_s)
        maps = (*self.maps, patches)[-min(SAMPLES_PER_S, len(times_s)) :]
        if times_s[-1] - times_s[0] < _FULL_S:
            return _View(self.size, times_s, maps)
        mean = np.asarray(np.mean(maps[-_samples_a_second(times_s) :], axis=0), np.float32)
        boxes = place_boxes(*self.size)
        features = Features(mean, boxes, np.arange(PLACES, dtype=np.int32))
        return _View(self.size, times_s, maps, features.take(mask.counts_places(boxes, *self.size, CONTEXT)))


class PlaceStream:
    """One vector per place and frame: the mean of the last second's patches or, after a gap, of as many samples as a
    second had before it. None in the first second of a view, which begins at a discontinuity, after a gap of more than
    `MAX_GAP_S`, when the time does not rise and when the picture's size changes.

    Patches are those of samples (`models.frames.frame_reuse.is_sample`); a frame between two samples has the vectors of
    the first.
    """

    dim = DIM
    resolution = 0.02  # of a place's scale
    look_back_s = _FULL_S
    kept = np.float16  # of normal footage while a bank is learnt: 37 kB a frame

    def __init__(self, name: str, exemplars: int, frames: int) -> None:
        self.name = name
        self._exemplars = exemplars
        self._frames = frames

    def extract(self, batch: FrameBatch) -> list[Features]:
        parts = zip(batch.frames, batch.contexts, batch.patches, batch.samples, strict=True)
        return [self._read(frame, context, maps, sample) for frame, context, maps, sample in parts]

    def _read(self, frame: Frame, context: CameraContext, maps: PatchMaps, sample: bool) -> Features:
        view, size = context.memory.get(self.name), (frame.width, frame.height)
        if not isinstance(view, _View) or not view.goes_on(frame):
            view = _View(size)
        if sample:
            view = context.memory[self.name] = view.then(frame.at_s, _projected(maps), context.mask)
        return view.features

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        """Vectors (PLACES, exemplars, 48): per place k-center exemplars of what was seen there and beside it.

        At most as many frames as the profile says are considered, chosen with the seed. Raises
        `InsufficientFootageError` when no view lasted a second.
        """
        seen = np.array([n for n, part in enumerate(normal) if len(part)], np.int32)
        if not len(seen):
            raise InsufficientFootageError("no view lasted a second: enrol from longer footage without cuts")
        generator = np.random.default_rng(seed)
        if len(seen) > self._frames:
            seen = seen[np.sort(generator.choice(len(seen), size=self._frames, replace=False))]
        maps = np.stack([every_place(normal[n], PLACES) for n in seen]).astype(np.float32, copy=False)
        neighbours, rows = _seen_neighbours(normal[seen[0]].groups), rows_of_places(normal[seen[0]], PLACES)
        first = int(generator.integers(len(seen)))  # of the place's own, which come first
        vectors, frames, regions = [], [], []
        for start in range(0, PLACES, _CHUNK_PLACES):
            around = neighbours[start : start + _CHUNK_PLACES]  # (places, 9)
            pool = maps[:, around].transpose(1, 2, 0, 3).reshape(len(around), -1, DIM)
            chosen = greedy_k_center_sets(pool, self._exemplars, first)
            vectors.append(np.take_along_axis(pool, chosen[..., None], axis=1))
            frames.append(seen[chosen % len(seen)])
            regions.append(rows[np.take_along_axis(around, chosen // len(seen), axis=1)])
        return Exemplars(np.concatenate(vectors), np.concatenate(frames), np.concatenate(regions))

    def scales(self, distances: NDArray[np.float32], groups: NDArray[np.int32]) -> NDArray[np.float32]:
        """What counts as far at each place, float32 (PLACES,), from held-out ``distances`` (frames, n)."""
        return place_scales(distances, groups, (ROWS, COLUMNS), _LEAST_SCALE)

    def preprocessing(self) -> dict[str, Any]:
        return {"patches": "EfficientNet-lite0", "places": [ROWS, COLUMNS], "dim": DIM, "window_s": WINDOW_S}


def make(spec: StreamSpec) -> PlaceStream:
    """Raises `ConfigurationError` for options that `PlaceOptions` does not have."""
    options = PlaceOptions.from_spec(spec)
    return PlaceStream(spec.name, options.exemplars, options.frames)


def _samples_a_second(times_s: Sequence[float]) -> int:
    """How many samples, the last of which is at the last of these times, a second without a gap has at their rate."""
    steps_s = [after - before for before, after in pairwise(times_s)]
    return min(SAMPLES_PER_S, 1 + math.floor(_FULL_S / min(steps_s)))


def place_boxes(width: int, height: int) -> NDArray[np.float32]:
    """float32 (PLACES, 4), x1, y1, x2, y2 in pixels of a frame: each place with half of its neighbours."""
    rows, columns = np.divmod(np.arange(PLACES), COLUMNS)
    corners = np.stack([columns - 0.5, rows - 0.5, columns + 1.5, rows + 1.5], axis=1)
    boxes = np.clip(corners / [COLUMNS, ROWS, COLUMNS, ROWS], 0.0, 1.0) * [width, height, width, height]
    return np.asarray(boxes, np.float32)


def _projected(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Maps of several blocks (rows, columns, channels) as one of PLACES vectors: float32 (PLACES, 48)."""
    together = np.concatenate(maps, axis=2)
    rows, columns, channels = together.shape
    vectors = (together.reshape(-1, channels) @ _projection(channels)).reshape(rows, columns, DIM)
    if (rows, columns) != (ROWS, COLUMNS):
        vectors = np.asarray(cv2.resize(vectors, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR), np.float32)
    blurred = cv2.blur(vectors, _BLUR, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred.reshape(PLACES, DIM), np.float32)


@cache
def _projection(channels: int) -> NDArray[np.float32]:
    """float32 (channels, 48) of random signs, which keeps distances (Achlioptas, 2003); the same on every machine."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(_NAME).digest(channels * DIM // 8), np.uint8))
    return np.asarray((2.0 * bits - 1.0).reshape(channels, DIM) / np.sqrt(DIM), np.float32)


@cache
def _neighbours() -> NDArray[np.int64]:
    """(PLACES, 9): each place, then those around it; at the picture's edge some stand twice."""
    rows, columns = np.divmod(np.arange(PLACES), COLUMNS)
    steps = sorted(((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)), key=lambda step: step != (0, 0))
    shifted = [
        np.clip(rows + down, 0, ROWS - 1) * COLUMNS + np.clip(columns + right, 0, COLUMNS - 1) for down, right in steps
    ]
    return np.stack(shifted, axis=1)


def _seen_neighbours(groups: NDArray[np.int32]) -> NDArray[np.int64]:
    """As `_neighbours`; in the stead of a neighbour that is not among ``groups`` stands the place itself."""
    around = _neighbours()
    return np.where(np.isin(around, groups), around, around[:, :1])
