"""Everything an evaluation states about one profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.clip_result import ClipResult, MisjudgedFrame
from patchwatch.evaluation.report.evidence import AlarmEvidence
from patchwatch.evaluation.report.protocol import Protocols


@dataclass(frozen=True)
class Cost:
    """Processor time of one frame in ms, over all threads; a GPU's own time is not in it.

    ``shared``: what several streams use and is computed once (flow, detector, backbone). ``streams``: each stream's
    own part. ``scoring``: comparison with the banks, calibration, fusion, smoothing, events. ``total_ms``: their sum.
    ``wall_ms``: elapsed time of the same work. Reading and decoding the clip is in none of them. ``load_1min``: the
    machine's load average afterwards; where it exceeds the number of cores, threads that wait actively for each other
    cost more than on a machine of their own.
    """

    device: str
    frames: int
    shared_ms: dict[str, float]
    streams_ms: dict[str, float]
    scoring_ms: float
    total_ms: float
    wall_ms: float
    frames_per_second_per_core: float
    load_1min: float | None = None


@dataclass(frozen=True)
class StreamEntry:
    """One stream of the profile."""

    name: str
    kind: str
    weight: float


@dataclass(frozen=True)
class Training:
    """The normal footage that was learnt: clips, analysed frames, seconds."""

    clips: int
    frames: int
    seconds: float


@dataclass(frozen=True)
class ProfileResult:
    """One profile on the testing clips. ``random_weights``: a network's weights were random, so the figures say nothing
    about the profile, and every display must say so.

    ``networks``: which networks made the vectors, as a bank names them. ``notes``: what was left out, and why.
    ``worst_misses``: the anomalous frames with the lowest service scores; ``worst_false_alarms``: the normal frames
    with the highest; both are few, worst first, apart in time, and of frames that at least one stream judged.
    ``evidence``: the highest alarms at the setting's budget, explained.
    """

    profile: str
    fps: float
    random_weights: bool
    streams: tuple[StreamEntry, ...]
    networks: dict[str, Any]
    training: Training
    cost: Cost
    protocols: Protocols
    budgets: tuple[BudgetResult, ...]
    clips: tuple[ClipResult, ...]
    worst_misses: tuple[MisjudgedFrame, ...]
    worst_false_alarms: tuple[MisjudgedFrame, ...]
    notes: tuple[str, ...] = ()
    evidence: tuple[AlarmEvidence, ...] = ()

    @property
    def label(self) -> str:
        """Name for people."""
        return f"{self.profile} (RANDOM WEIGHTS)" if self.random_weights else self.profile

    @property
    def frames(self) -> int:
        """Labelled frames scored."""
        return sum(clip.frames for clip in self.clips)

    @property
    def main_budget(self) -> BudgetResult | None:
        """The budget that the camera's setting asks for, else the first one."""
        return next((budget for budget in self.budgets if budget.is_setting), next(iter(self.budgets), None))

    def summary(self) -> dict[str, Any]:
        """JSON values without what is long: curves, timelines, alarms, pictures."""
        tree = _PROFILE.dump_python(self, mode="json")
        for protocol in tree["protocols"].values():
            del protocol["roc"]
        del tree["worst_misses"], tree["worst_false_alarms"], tree["evidence"]
        for clip in tree["clips"]:
            del clip["timeline"], clip["alarms"]
        return dict(tree)


_PROFILE = TypeAdapter(ProfileResult)
