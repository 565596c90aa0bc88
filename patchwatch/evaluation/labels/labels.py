"""Which frames of which clip are anomalous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.statistics.region_criterion import Region


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames ``first`` to ``last``, counted from 1, both inclusive."""

    first: int
    last: int


@dataclass(frozen=True)
class Labels:
    """Anomalous ranges per clip, named as the clip's file without its ending. A normal clip has none.

    ``lengths``: frames of each clip, where the labels state it. ``format``: name of the format they were read from.
    ``regions``: of the clips whose labels say where the anomaly is, for every range.
    """

    path: Path
    clips: Mapping[str, tuple[FrameRange, ...]]
    format: str = "json"
    lengths: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, tuple[Region, ...]] = field(default_factory=dict)

    def truth(self, clip: str, frames: int) -> NDArray[np.bool_]:
        """bool (frames,): which are anomalous. Raises `RejectedError` when the labels are of a clip of other length."""
        stated = self.lengths.get(clip, frames)
        if stated != frames:
            raise RejectedError(
                f"{self.path}: clip {clip!r} is labelled with {stated} frames but has {frames}: "
                "are these labels of another recording, or of one of another rate?"
            )
        anomalous = np.zeros(frames, np.bool_)
        for labelled in self.clips[clip]:
            if labelled.last > frames:
                raise RejectedError(
                    f"{self.path}: clip {clip!r} is labelled up to frame {labelled.last} but has {frames} frames: "
                    "are these labels of another recording?"
                )
            anomalous[labelled.first - 1 : labelled.last] = True
        return anomalous

    @classmethod
    def from_truths(cls, path: Path, truths: Mapping[str, NDArray[np.bool_]], form: str) -> Labels:
        """From one flag for each frame of each clip."""
        clips = {clip: ranges_of(truth) for clip, truth in truths.items()}
        return cls(path, clips, form, {clip: len(truth) for clip, truth in truths.items()})

    @classmethod
    def all_normal(cls, path: Path, clips: Sequence[str]) -> Labels:
        """Every frame of these clips is normal. ``path``: of what says so."""
        return cls(path, dict.fromkeys(clips, ()), "normal")

    def check(self, clips: Sequence[str], folder: Path | str) -> None:
        """Raises `RejectedError` unless the clips of the folder are exactly those that are labelled."""
        there, labelled = set(clips), set(self.clips)
        if missing := sorted(labelled - there):
            raise RejectedError(f"{self.path} labels clips that are not in {folder}: {', '.join(missing)}")
        if extra := sorted(there - labelled):
            raise RejectedError(
                f"{self.path} says nothing of {len(extra)} of the {len(there)} testing clips: {', '.join(extra)}; "
                "a clip without anomalies needs an empty list"
            )


def ranges_of(truth: NDArray[np.bool_]) -> tuple[FrameRange, ...]:
    """The maximal ranges of anomalous frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truth, [False]]).astype(np.int8)))
    return tuple(FrameRange(int(first) + 1, int(last)) for first, last in edges.reshape(-1, 2))


def named_by_number(
    named: Mapping[str, NDArray[np.bool_]], clips: Sequence[str], path: Path
) -> dict[str, NDArray[np.bool_]]:
    """The same truths under the clips' own names: equal ones, else those of the same number (``1`` for ``01``).

    A name that fits no clip stays. Raises `RejectedError` where one number fits two clips, or two
    names one clip.
    """
    by_number: dict[int, str] = {}
    for clip in clips:
        if clip.isdecimal() and by_number.setdefault(int(clip), clip) != clip:
            raise RejectedError(f"{path}: the clips {by_number[int(clip)]} and {clip} have one number: rename one")
    renamed: dict[str, NDArray[np.bool_]] = {}
    for name, truth in named.items():
        other = by_number.get(int(name), name) if name.isdecimal() and name not in clips else name
        if other in renamed:
            raise RejectedError(f"{path}: clip {other} is labelled twice, once as {name}: keep one")
        renamed[other] = truth
    return renamed
