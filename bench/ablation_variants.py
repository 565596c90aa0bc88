"""What is varied in the ablation: one factor of a profile at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import StreamBank, StreamDistance, frame_distance
from models.banks.cross_validation import HeldOutFrames, held_out_frame
from models.exemplars.perspective import Perspective
from models.frames.frame import Features
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
from models.profiles.stream_options import MotionOptions, VelocityOptions
from models.streams import motion_stream

EXEMPLARS = {StreamKind.MOTION: (25, 50, 100, 200), StreamKind.VELOCITY: (75, 300, 1200)}
SHIPPED_EXEMPLARS = {
    StreamKind.MOTION: MotionOptions().exemplars,
    StreamKind.VELOCITY: VelocityOptions().exemplars,
}
SIGMAS_S = (0.15, 0.3, 0.5, 0.68, 1.0)
NO_SMOOTHING_S = 1e-3  # a kernel far narrower than the time between two frames holds one frame only
FARTHEST = 8  # cells

Replacements = Mapping[str, Callable[..., Any]]  # by the place a function is looked up at


@dataclass(frozen=True)
class Variant:
    """One row to be: a profile, and the functions that something else stands in for while it is learnt and scored."""

    factor: str
    choice: str
    profile: Profile
    replaced: Replacements = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Equal for what is the same configuration under another factor."""
        return f"{self.profile} {sorted(self.replaced)}"


def variants(base: Profile) -> list[Variant]:
    """Every factor with all its choices, the shipped one among them."""
    choices = [Variant("shipped", base.name, base)]
    for size in range(1, len(base.streams) + 1):
        for streams in combinations(base.streams, size):
            name = " + ".join(spec.name for spec in streams)
            choices.append(Variant("streams", name, replace(base, streams=streams)))
    if len(base.streams) > 1:
        choices.append(Variant("fusion", "weighted mean of rarities", base))
        highest = {"models.banks.bank_builder.fuse": _highest, "models.engine.frame_scorer.fuse": _highest}
        choices.append(Variant("fusion", "highest rarity", base, highest))
    choices.append(Variant("frame of motion", "farthest cell", base))
    farthest: Replacements = {
        "models.banks.cross_validation.held_out_frame": _hold_out_farthest,
        "models.engine.frame_scorer.frame_distance": _farthest_distance,
    }
    choices.append(Variant("frame of motion", f"mean of {FARTHEST} farthest cells", base, farthest))
    if base.needs(StreamKind.VELOCITY):
        choices.append(Variant("measure of velocity", "usual height", base))
        choices.append(
            Variant(
                "measure of velocity", "own height", base, {"models.exemplars.perspective.Perspective.fit": _unknown}
            )
        )
    for spec in base.streams:
        choices += _sizes(base, spec)
    choices += [Variant("seeds", str(seed), replace(base, seeds=(seed,))) for seed in base.seeds]
    choices.append(Variant("seeds", " ".join(map(str, base.seeds)), base))
    choices.append(Variant("sigma", "none", replace(base, smoothing_s=NO_SMOOTHING_S)))
    sigmas_s = sorted({*SIGMAS_S, base.smoothing_s})
    return choices + [Variant("sigma", f"{sigma_s} s", replace(base, smoothing_s=sigma_s)) for sigma_s in sigmas_s]


def _sizes(base: Profile, spec: StreamSpec) -> list[Variant]:
    """Other banks of one stream. The count that it has anyway leaves the profile as it is."""
    if spec.kind not in EXEMPLARS:
        return []
    shipped = spec.options.get("exemplars", SHIPPED_EXEMPLARS[spec.kind])
    choices = []
    for count in sorted({*EXEMPLARS[spec.kind], shipped}):
        sized = spec if count == shipped else replace(spec, options=spec.options | {"exemplars": count})
        streams = tuple(sized if other is spec else other for other in base.streams)
        choices.append(Variant(f"exemplars of {spec.name}", str(count), replace(base, streams=streams)))
    return choices


def _highest(
    kind: Fusion, weights: Sequence[float], distances: Sequence[float | None], rarities: Sequence[float | None]
) -> float | None:
    """In the place of `models.profiles.fusion.fuse`: the highest rarity of the streams of any weight."""
    spoken = [value for weight, value in zip(weights, rarities, strict=True) if weight > 0 and value is not None]
    return max(spoken, default=None)


def _farthest_distance(bank: StreamBank, features: Features) -> StreamDistance | None:
    """In the place of `models.banks.bank.frame_distance`."""
    distance = frame_distance(bank, features)
    return None if distance is None else _averaged(distance, bank, features)


def _hold_out_farthest(
    bank: StreamBank, features: Features, unscaled: NDArray[np.float32] | None
) -> HeldOutFrames | None:
    """In place of `cross_validation.held_out_frame`; the vectors, from which scales are made, stay as they are."""
    held_out = held_out_frame(bank, features, unscaled)
    return None if held_out is None else replace(held_out, distance=_averaged(held_out.distance, bank, features))


def _averaged(distance: StreamDistance, bank: StreamBank, features: Features) -> StreamDistance:
    """Mean over the seeds of the mean of the farthest cells, for the motion stream only: others have few regions."""
    if bank.empty or bank.vectors.shape[1] != motion_stream.CELLS:
        return distance
    farthest = np.sort(bank.distances(features), axis=0)[-FARTHEST:]
    return replace(distance, value=float(farthest.mean()))


def _unknown(sizes: NDArray[np.float32]) -> Perspective:
    """In the place of `models.exemplars.perspective.Perspective.fit`: every object is its own measure."""
    return Perspective(np.zeros(0))
