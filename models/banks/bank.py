"""Memory banks: exemplars of normal, one set per seed, and the distance to the nearest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import AnyCalibration
from models.alarms.event_detector import EventRule
from models.banks.contexts import Contexts
from models.banks.coverage import Coverage
from models.banks.group_scale import GroupScale
from models.exemplars.perspective import Perspective
from models.exemplars.provenance import ExemplarOrigins, FootageMoments
from models.frames.frame import Features
from models.frames.view import WHOLE_VIEW, View
from models.profiles.profile import Profile

_TOGETHER = 64  # frames whose distances are taken at once
_CHUNK_GROUPS = 8  # ... to the exemplars of so many groups: stays within the processor's cache


@dataclass(frozen=True)
class StreamBank:
    """Exemplars of one stream. ``vectors``: float32 (seeds, groups, exemplars, dim); no exemplars where the stream
    found nothing in the normal footage.

    ``origins``: where each was seen; banks that only calibrate have none. ``scales``: float32 (groups,), what
    distances within each group are divided by; None: by nothing. ``perspective``: brings the stream's vectors, which
    then end with sizes, to the measure of the exemplars; None: they are in it. ``neighbours``: a distance is the mean
    to so many nearest exemplars of a seed. ``contexts``: a picture that shows one of these is compared with its
    exemplars alone, in its scales; any other with all, in ``scales``, which are then the widest of any context.
    """

    vectors: NDArray[np.float32]
    origins: ExemplarOrigins | None = None
    scales: NDArray[np.float32] | None = None
    perspective: Perspective | None = None
    neighbours: int = 1
    contexts: Contexts | None = None

    def __post_init__(self) -> None:
        if self.contexts is not None:
            self._check_contexts(self.contexts)
        if self.neighbours < 1:
            raise ValueError(f"a distance is to at least one exemplar, not to {self.neighbours}")
        if self.vectors.ndim != 4 or self.vectors.dtype != np.float32 or 0 in self._shape_but_exemplars:
            raise ValueError(f"a bank is float32 (seeds, groups, exemplars, dim), not {self.vectors.shape}")
        if self.origins is not None and self.origins.moments.shape != self.vectors.shape[:3]:
            raise ValueError(f"origins {self.origins.moments.shape} do not fit a bank {self.vectors.shape}")
        if self.scales is not None and (self.scales.shape != self.vectors.shape[1:2] or not (self.scales > 0).all()):
            raise ValueError(
                f"scales {self.scales.shape} are not one positive number per group of {self.vectors.shape}"
            )

    def _check_contexts(self, contexts: Contexts) -> None:
        _, groups, exemplars, dim = self.vectors.shape
        if contexts.centres.shape[1:] != (groups, dim) or exemplars % len(contexts) or not exemplars:
            raise ValueError(f"contexts {contexts.centres.shape} do not fit a bank {self.vectors.shape}")
        if self.scales is None or not np.array_equal(self.scales, contexts.widest):
            raise ValueError("the scales of a bank with contexts are the widest of any of them")

    @property
    def _shape_but_exemplars(self) -> tuple[int, int, int]:
        seeds, groups, _, dim = self.vectors.shape
        return seeds, groups, dim

    @property
    def empty(self) -> bool:
        return not self.vectors.size

    @cached_property
    def _by_group(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The exemplars of all seeds side by side, twice as long as they are, which is what distances need of them:
        (groups, dim, seeds * exemplars); and their squares (groups, seeds * exemplars)."""
        seeds, groups, exemplars, dim = self.vectors.shape
        joined = self.vectors.transpose(1, 3, 0, 2).reshape(groups, dim, seeds * exemplars)
        joined = np.ascontiguousarray(joined)
        squares: NDArray[np.float32] = np.einsum("gdm,gdm->gm", joined, joined)
        return 2.0 * joined, squares

    def measured(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (n, ...) of the stream as (n, dim), comparable with the exemplars."""
        measured = vectors if self.perspective is None else self.perspective.by_usual_height(vectors)
        return np.asarray(measured, np.float32)

    @cached_property
    def _parts(self) -> tuple[StreamBank, ...]:
        """Of each context its exemplars alone, in its scales."""
        if self.contexts is None:
            return ()
        each = self.vectors.shape[2] // len(self.contexts)
        return tuple(
            replace(
                self, vectors=self.vectors[:, :, n * each : (n + 1) * each], scales=scales, contexts=None,
                origins=self.origins and self.origins.of_exemplars(slice(n * each, (n + 1) * each)),
            )
            for n, scales in enumerate(self.contexts.scales)
        )  # fmt: skip

    def context_of(self, features: Features) -> int | None:
        """The number of the context that a picture shows; None where there are none, or it shows none for certain."""
        if self.contexts is None or not len(features):
            return None
        last = self._recognised.get("last")
        if last is None or last[0] is not features:
            measured = (
                features if self.perspective is None else replace(features, vectors=self.measured(features.vectors))
            )
            last = self._recognised["last"] = features, self.contexts.recognised(measured)
        return last[1]

    @cached_property
    def _recognised(self) -> dict[str, tuple[Features, int | None]]:
        return {}  # the last picture, which is asked for more than once

    def counting(self, features: Features) -> StreamBank:
        """What a picture is compared with: the part of the context that it shows, or all of this."""
        number = None if self.contexts is None else self.context_of(features)
        return self if number is None else self._parts[number]

    def distances(self, features: Features) -> NDArray[np.float32]:
        """Euclidean distance of each vector to the nearest exemplars of its group, in scales of the group: float32
        (n, seeds). Of the exemplars those that count in a picture of its context.

        All seeds are compared in one matrix product. An empty bank knows no exemplar: from there it is the distance
        to the origin, which calibration gives no weight. Raises ValueError for vectors of another dimension or group.
        """
        bank = self.counting(features)
        of_parts = [part._unscaled(features) for part in bank._parts]
        unscaled = reduce(np.minimum, of_parts) if of_parts else bank._unscaled(features)
        return unscaled if bank.scales is None else unscaled / bank.scales[features.groups][:, None]

    def in_scales(self, features: Features, unscaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """What `distances` makes of those of `unscaled_distances`."""
        scales = self.counting(features).scales
        return unscaled if scales is None else unscaled / scales[features.groups][:, None]

    def unscaled_distances(self, frames: Sequence[Features]) -> list[NDArray[np.float32]]:
        """Of each frame its distances (n, seeds), in no scales yet; many frames cost far less together than one by one.
        They may differ from those of `distances` by rounding."""
        alike: dict[tuple[int | None, bytes], list[int]] = {}
        for number, features in enumerate(frames):
            alike.setdefault((self.context_of(features), features.groups.tobytes()), []).append(number)
        found: dict[int, NDArray[np.float32]] = {}
        for numbers in alike.values():
            bank = self.counting(frames[numbers[0]])
            for start in range(0, len(numbers), _TOGETHER):
                some = numbers[start : start + _TOGETHER]
                of_parts = [part._unscaled_together([frames[n] for n in some]) for part in bank._parts or (bank,)]
                nearest: NDArray[np.float32] = reduce(np.minimum, of_parts)
                found |= zip(some, nearest, strict=True)
        return [found[number] for number in range(len(frames))]

    def _unscaled_together(self, frames: Sequence[Features]) -> NDArray[np.float32]:
        """Of frames with the same groups: (frames, n, seeds)."""
        seeds, groups, exemplars, _ = self.vectors.shape
        if groups == 1 or self.empty or self.perspective is not None:
            return np.stack([self._unscaled(features) for features in frames])
        vectors = np.stack([self.measured(features.vectors) for features in frames], axis=1)  # (n, frames, dim)
        self._check_fit(vectors, frames[0].groups)
        doubled, norms = self._of_groups(frames[0].groups)
        squares = np.einsum("nfd,nfd->nf", vectors, vectors)
        nearest = np.empty((*squares.shape, seeds), np.float32)
        for start in range(0, len(vectors), _CHUNK_GROUPS):
            part = slice(start, start + _CHUNK_GROUPS)
            squared = squares[part, :, None] + norms[part, None, :]
            squared -= np.matmul(vectors[part], doubled[part])
            nearest[part] = self._to_nearest(squared.reshape(-1, seeds, exemplars)).reshape(-1, len(frames), seeds)
        return np.ascontiguousarray(nearest.transpose(1, 0, 2))

    def _unscaled(self, features: Features) -> NDArray[np.float32]:
        seeds, groups, exemplars, _ = self.vectors.shape
        queries, group_of = self.measured(features.vectors), features.groups
        self._check_fit(queries, group_of)
        squares = np.einsum("nd,nd->n", queries, queries)[:, None]
        if self.empty:
            return np.asarray(np.sqrt(np.repeat(squares, seeds, axis=1)), np.float32)
        if groups == 1:
            doubled, norms = self._by_group
            squared = squares + norms
            squared -= queries @ doubled[0]
        else:
            doubled, norms = self._of_groups(group_of)
            squared = squares + norms
            squared -= np.matmul(queries[:, None, :], doubled)[:, 0, :]
        return self._to_nearest(squared.reshape(len(queries), seeds, exemplars))

    def _check_fit(self, vectors: NDArray[np.float32], group_of: NDArray[np.int32]) -> None:
        _, groups, _, dim = self.vectors.shape
        if vectors.shape[-1] != dim or (len(group_of) and int(group_of.max()) >= groups):
            raise ValueError(
                f"vectors {vectors.shape} in groups up to {group_of.max()} do not fit a bank {self.vectors.shape}"
            )

    def _of_groups(self, group_of: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Exemplars and their squares, for vectors in these groups. Where the same places count in every frame, the
        bank is copied once."""
        doubled, squares = self._by_group
        if len(group_of) == len(doubled) and bool((group_of == np.arange(len(group_of))).all()):
            return self._by_group
        key = group_of.tobytes()
        if key not in self._copied:
            self._copied.clear()
            self._copied[key] = doubled[group_of], squares[group_of]
        return self._copied[key]

    @cached_property
    def _copied(self) -> dict[bytes, tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return {}  # the last copy, by the bytes of its groups

    def _to_nearest(self, squared: NDArray[np.float32]) -> NDArray[np.float32]:
        """Squared distances (n, seeds, exemplars) -> distances (n, seeds)."""
        count = min(self.neighbours, squared.shape[2])
        if count == 1:
            rows, seeds, exemplars = squared.shape
            side_by_side, firsts = squared.reshape(rows, seeds * exemplars), np.arange(seeds) * exemplars
            least = np.minimum.reduceat(side_by_side, firsts, axis=1)  # `min` takes twice as long
            return np.asarray(np.sqrt(np.maximum(least, 0.0)), np.float32)
        nearest = np.partition(squared, count - 1, axis=2)[:, :, :count]
        return np.asarray(np.sqrt(np.maximum(nearest, 0.0)).mean(axis=2), np.float32)


@dataclass(frozen=True)
class StreamDistance:
    """Distance of a frame from one stream's bank: ``value`` (mean over seeds of the largest distance of any region),
    and the index of the region that is farthest from normal. ``known``: an operator added all that is there, however
    rare it is to be there. ``of_regions``: float32 (n,), of each its mean over seeds."""

    value: float
    region: int
    known: bool = False
    of_regions: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), compare=False, repr=False)

    @classmethod
    def farthest(cls, distances: NDArray[np.float32]) -> StreamDistance:
        """Of the distances of a frame's regions, (n, seeds)."""
        of_regions = np.asarray(distances.mean(axis=1), np.float32)
        return cls(float(distances.max(axis=0).mean()), int(of_regions.argmax()), of_regions=of_regions)


def frame_distance(
    bank: StreamBank, features: Features, explained: NDArray[np.bool_] | None = None
) -> StreamDistance | None:
    """None when the stream has no evidence in this frame. ``explained``: regions (n,) that are as near as can be."""
    if len(features) == 0:
        return None
    distances = bank.distances(features)
    if explained is not None:
        distances = without_explained(distances, explained)
    return StreamDistance.farthest(distances)


def without_explained(distances: NDArray[np.float32], explained: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distances (n, seeds), 0 for the regions (n,) that are explained by others."""
    return np.where(explained[:, None], np.float32(0.0), distances)


@dataclass(frozen=True)
class Footage:
    """What a bank was learnt from. ``sources`` are names without credentials. ``cuts``: found within them.
    ``remembered``: from the camera's memory, of which a longer one is learnt from soon."""

    sources: tuple[str, ...]
    frames: int
    seconds: float
    thinned: int = 1  # only every n-th half minute was kept, to bound memory
    vectors: dict[str, int] = field(default_factory=dict)  # per stream, before the coreset
    cuts: int = 0
    remembered: bool = False


@dataclass(frozen=True)
class Bank:
    """All that scoring a camera needs: banks of every stream and seed, calibrations, thresholds, and their origin.

    ``identity`` names the networks and preprocessing that made the vectors: another machine must match it.
    """

    profile: Profile
    identity: dict[str, Any]
    streams: tuple[StreamBank, ...]
    calibrations: tuple[AnyCalibration, ...]  # per stream, of its distances
    fused: AnyCalibration  # of the fused value
    threshold: ThresholdModel
    false_alarms_per_day: float  # the budget it was learnt for; any other can be asked of `threshold`
    footage: Footage
    created_at: str  # ISO 8601, UTC
    moments: FootageMoments  # that the streams' origins point to
    coverage: Coverage
    groups: tuple[GroupScale, ...] = ()  # of what the profile compares; none of one alone
    view: View = WHOLE_VIEW  # what counted in the footage
    staying: tuple[AnyCalibration, ...] = ()  # of the distances of what stays at its place

    def __post_init__(self) -> None:
        compared = len(self.profile.compared)
        if len(self.groups) != (compared if compared > 1 else 0):
            raise ValueError("a bank holds a scale of each group of its profile, and none of a single one")
        if len(self.staying) != len(self.profile.staying):
            raise ValueError("a bank holds one calibration of each stream of which what stays at its place counts")
        if not len(self.profile.streams) == len(self.streams) == len(self.calibrations):
            raise ValueError("a bank holds one set of exemplars and one calibration per stream of its profile")
        if any(stream.origins is None for stream in self.streams):
            raise ValueError("a bank knows where its exemplars were seen")

    @cached_property
    def id(self) -> str:
        """Short name of exactly these exemplars and calibrations."""
        digest = hashlib.sha256(self.created_at.encode())
        for array in self.arrays():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    def arrays(self) -> Sequence[NDArray[Any]]:
        of_groups = [scale.calibration for scale in self.groups]
        fitted = *self.calibrations, self.fused, *of_groups, *self.staying
        calibrations = [calibration.levels for calibration in fitted]
        origins = [array for bank in self.streams if bank.origins for array in bank.origins.arrays().values()]
        scales = [bank.scales for bank in self.streams if bank.scales is not None]
        lines = [bank.perspective.line for bank in self.streams if bank.perspective is not None]
        contexts = [array for bank in self.streams if bank.contexts for array in bank.contexts.arrays().values()]
        provenance = [*origins, *scales, *lines, *contexts, *self.moments.arrays().values()]
        return [bank.vectors for bank in self.streams] + calibrations + [self.threshold.levels] + provenance

    @cached_property
    def rule(self) -> EventRule:
        """The event rule for the budget the bank was learnt for."""
        return self.threshold.rule(self.false_alarms_per_day)

    def telling_rare(self, stream: int) -> tuple[AnyCalibration, ...]:
        """Those by which a distance of a stream may be rare: its own, and that of what stays at its place."""
        staying = zip(self.profile.staying, self.staying, strict=True)
        return (self.calibrations[stream], *(by for (position, _), by in staying if position == stream))

    @property
    def random_weights(self) -> bool:
        """Whether a network with random weights made these vectors. Every view of a score must state it."""
        return bool(self.identity.get("networks", {}).get("random_weights", False))
