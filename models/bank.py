"""Memory banks: exemplars of normal, one set per seed, and the distance to the nearest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.event import EventRule
from models.features import Features
from models.profile import Profile


@dataclass(frozen=True)
class StreamBank:
    """Exemplars of one stream. ``vectors``: float32 (seeds, groups, exemplars, dim)."""

    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 4 or self.vectors.dtype != np.float32 or 0 in self.vectors.shape:
            raise ValueError(f"a bank is float32 (seeds, groups, exemplars, dim), not {self.vectors.shape}")

    @cached_property
    def _by_group(self) -> NDArray[np.float32]:
        """(groups, dim, seeds * exemplars): the exemplars of all seeds side by side."""
        seeds, groups, exemplars, dim = self.vectors.shape
        joined = self.vectors.transpose(1, 3, 0, 2).reshape(groups, dim, seeds * exemplars)
        return np.ascontiguousarray(joined)

    @cached_property
    def _squares(self) -> NDArray[np.float32]:
        squares: NDArray[np.float32] = np.einsum("gdm,gdm->gm", self._by_group, self._by_group)
        return squares

    def distances(self, features: Features) -> NDArray[np.float32]:
        """Euclidean distance of each vector to the nearest exemplar of its group: float32 (n, seeds).

        All seeds are compared in one matrix product. Raises ValueError for vectors of another dimension or group.
        """
        seeds, groups, exemplars, dim = self.vectors.shape
        queries, of = features.vectors, features.groups
        if queries.shape[1] != dim or (len(of) and int(of.max()) >= groups):
            raise ValueError(
                f"vectors {queries.shape} in groups up to {of.max()} do not fit a bank {self.vectors.shape}"
            )
        squares = np.einsum("nd,nd->n", queries, queries)[:, None]
        if groups == 1:
            products = queries @ self._by_group[0]
            squared = squares + self._squares - 2.0 * products
        else:
            everything = len(of) == groups and bool((of == np.arange(groups)).all())  # spares a copy of the bank
            banks, norms = (self._by_group, self._squares) if everything else (self._by_group[of], self._squares[of])
            squared = squares + norms - 2.0 * np.matmul(queries[:, None, :], banks)[:, 0, :]
        nearest = squared.reshape(len(queries), seeds, exemplars).min(axis=2)
        distances: NDArray[np.float32] = np.sqrt(np.maximum(nearest, 0.0))
        return distances


@dataclass(frozen=True)
class StreamDistance:
    """What one stream's bank says of a frame: ``value`` (mean over seeds of the largest distance of any region), and
    the index of the region that is farthest from normal."""

    value: float
    region: int


def frame_distance(bank: StreamBank, features: Features) -> StreamDistance | None:
    """None when the stream has nothing to say of this frame."""
    if len(features) == 0:
        return None
    distances = bank.distances(features)
    return StreamDistance(float(distances.max(axis=0).mean()), int(distances.mean(axis=1).argmax()))


@dataclass(frozen=True)
class Footage:
    """What a bank was learnt from. ``sources`` are names without credentials."""

    sources: tuple[str, ...]
    frames: int
    seconds: float
    thinned: int = 1  # only every n-th frame was kept, to bound memory
    vectors: dict[str, int] = field(default_factory=dict)  # per stream, before the coreset


@dataclass(frozen=True)
class Bank:
    """All that scoring a camera needs: banks of every stream and seed, calibrations, event rule, and their origin.

    ``identity`` names the networks and preprocessing that made the vectors: another machine must match it.
    """

    profile: Profile
    identity: dict[str, Any]
    streams: tuple[StreamBank, ...]
    calibrations: tuple[Calibration, ...]  # per stream, of its distances
    fused: Calibration  # of the fused value
    rule: EventRule
    footage: Footage
    created_at: str  # ISO 8601, UTC

    def __post_init__(self) -> None:
        if not len(self.profile.streams) == len(self.streams) == len(self.calibrations):
            raise ValueError("a bank holds one set of exemplars and one calibration per stream of its profile")

    @cached_property
    def id(self) -> str:
        """Short name of exactly these exemplars and calibrations."""
        digest = hashlib.sha256(self.created_at.encode())
        for array in self.arrays():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def arrays(self) -> Sequence[NDArray[Any]]:
        return [bank.vectors for bank in self.streams] + [found.levels for found in (*self.calibrations, self.fused)]

    @property
    def random_weights(self) -> bool:
        """Whether a network with random weights made these vectors. Whoever shows a score must say so."""
        return bool(self.identity.get("networks", {}).get("random_weights", False))
