"""Whether anything moves in a frame, by what its streams measured of it anyway."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features
from models.profiles.profile import Profile, StreamKind

LEAST_IN_A_CELL = 0.01  # mean speed within a cell, in long sides of the picture per second
LEAST_OF_A_MOVER = 0.1  # in its own heights per second


def activity_stream(profile: Profile) -> tuple[int, StreamKind] | None:
    """Which stream of a profile tells best whether anything moves: its position and kind; None where none does."""
    kinds = [spec.kind for spec in profile.streams]
    return next(((kinds.index(kind), kind) for kind in _MOVES if kind in kinds), None)


def moves(kind: StreamKind, features: Features) -> bool:
    """``features``: of one frame and a stream of this kind."""
    return bool(len(features)) and _MOVES[kind](features.vectors)


def _in_a_cell(vectors: NDArray[np.float32]) -> bool:
    return bool(vectors.sum(axis=1).max() >= LEAST_IN_A_CELL)


def _a_mover(vectors: NDArray[np.float32]) -> bool:
    return bool(vectors[:, 0].max() >= LEAST_OF_A_MOVER)


def _anything(_: NDArray[np.float32]) -> bool:
    return True


_MOVES: dict[StreamKind, Callable[[NDArray[np.float32]], bool]] = {
    StreamKind.MOTION: _in_a_cell, StreamKind.VELOCITY: _a_mover, StreamKind.LOCAL: _anything,
    StreamKind.CATEGORY: _anything,
}  # fmt: skip
