"""The interface of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.exemplars.exemplars import Exemplars
from models.exemplars.perspective import Perspective
from models.frames.frame import Features
from models.streams.frame_batch import FrameBatch


class Stream(Protocol):
    """Turns the frames of a batch into vectors, and normal vectors into exemplars, which have ``dim`` numbers each.

    A stream keeps no state of its own between batches: what it remembers of a camera lives in that camera's
    `models.frames.frame.CameraContext`.
    """

    name: str
    dim: int
    resolution: float  # smallest difference of this stream's distances that means anything

    @property
    def look_back_s(self) -> float | None:
        """What a frame's vectors depend on: the pictures of so many seconds before it, and the one before those, with
        which the first of them was compared. None: its own picture alone.

        Frames that share a picture vouch for each other, so no bank is learnt from one and calibrated on the other.
        """
        ...

    def extract(self, batch: FrameBatch) -> list[Features]:
        """One `Features` per frame of the batch, in order."""
        ...

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        """Draw the memory bank of one seed from normal footage, with the place of each exemplar in it.

        ``normal``: one `Features` per frame. Groups with fewer vectors than others repeat some, so that all are full.
        Raises `InsufficientFootageError` when there are too few vectors.
        """
        ...

    def preprocessing(self) -> dict[str, Any]:
        """Everything that must be equal between enrolment and scoring, as JSON values; kept in the bank file."""
        ...


@runtime_checkable
class PerspectiveStream(Protocol):
    """A stream whose vectors end with sizes (`models.exemplars.perspective`), which the bank's exemplars do not."""

    def perspective(self, normal: Sequence[Features]) -> Perspective:
        """The camera's perspective, from the features of normal footage."""
        ...


@runtime_checkable
class CompactStream(Protocol):
    """A stream with so many vectors that footage is kept in a narrower type while a bank is learnt from it."""

    kept: type[np.floating[Any]]


@runtime_checkable
class AveragingStream(Protocol):
    """A stream whose distances are means to several nearest exemplars."""

    neighbours: int


@runtime_checkable
class ScaledStream(Protocol):
    """A stream whose groups measure distances each in a scale of its own."""

    def scales(self, distances: NDArray[np.float32], groups: NDArray[np.int32]) -> NDArray[np.float32]:
        """Positive scales, float32 (groups,), from held-out normal ``distances`` (frames, n) in these ``groups``,
        int32 (n,)."""
        ...
