"""Vectors as few bytes, and back without loss."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.memory.samples import SampleForm

_MOST_UNPACKED = 64 * 2**20
_LEVEL = 1  # higher ones save 2 % and take three times as long


def pack(vectors: NDArray[Any], form: SampleForm, per_frame: int = 0) -> NDArray[np.uint8]:
    """``vectors`` (n, dim) as they are kept, those of one frame after those of the other: ``per_frame`` in each, 0
    where that differs.

    Multiples of a step are stored as whole numbers, and where a frame has the same regions as the one before, as
    differences from it. Of all numbers the first bytes come first, then the second ones: they are much alike.
    """
    numbers = np.ascontiguousarray(vectors)
    if form.step is not None:
        whole = np.rint(numbers.astype(np.float32) / np.float32(form.step)).astype(np.int32)
        numbers = _zigzag(_differences(whole, per_frame))
    planes = numbers.view(np.uint8).reshape(-1, numbers.itemsize).T
    return np.frombuffer(zlib.compress(planes.tobytes(), _LEVEL), np.uint8)


def unpack(packed: NDArray[np.uint8], shape: tuple[int, int], form: SampleForm, per_frame: int = 0) -> NDArray[Any]:
    """Inverse of `pack`: vectors of this shape. Never makes more of ``packed`` than that. Raises ValueError."""
    dtype = np.dtype(form.dtype if form.step is None else np.uint32)
    planes = _inflated(packed, math.prod(shape) * dtype.itemsize if min(shape) >= 0 else -1)
    numbers = np.ascontiguousarray(planes.reshape(dtype.itemsize, -1).T).view(dtype).reshape(shape)
    if form.step is None:
        return numbers
    whole = _sums(_unzigzag(numbers), per_frame)
    return (whole.astype(np.float32) * np.float32(form.step)).astype(form.dtype)


def _inflated(packed: NDArray[np.uint8], expected: int) -> NDArray[np.uint8]:
    if not 0 <= expected <= _MOST_UNPACKED:
        raise ValueError(f"{expected} bytes of vectors are too many")
    try:
        planes = zlib.decompressobj().decompress(packed.tobytes(), expected + 1)
    except zlib.error as error:
        raise ValueError(f"packed vectors are damaged ({error})") from None
    if len(planes) != expected:
        raise ValueError(f"{len(planes)} bytes of vectors instead of {expected}")
    return np.frombuffer(planes, np.uint8)


def _differences(whole: NDArray[np.int32], per_frame: int) -> NDArray[np.int32]:
    frames = _by_frame(whole, per_frame)
    return np.concatenate([frames[:1], np.diff(frames, axis=0)]).reshape(whole.shape)


def _sums(differences: NDArray[np.int32], per_frame: int) -> NDArray[np.int32]:
    frames = _by_frame(differences, per_frame)
    return np.cumsum(frames, axis=0, dtype=np.int32).reshape(differences.shape)


def _by_frame(whole: NDArray[np.int32], per_frame: int) -> NDArray[np.int32]:
    """(frames, numbers of a frame); all of one frame where their number differs."""
    return whole.reshape(-1, max(1, per_frame or len(whole)) * whole.shape[1])


def _zigzag(whole: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Small numbers of either sign as small ones without: 0, -1, 1, -2 as 0, 1, 2, 3."""
    return ((whole << 1) ^ (whole >> 31)).view(np.uint32)


def _unzigzag(numbers: NDArray[np.uint32]) -> NDArray[np.int32]:
    signs = (numbers & 1).view(np.int32)
    return np.asarray((numbers >> 1).view(np.int32) ^ -signs, np.int32)
