"""What an evaluation found, and how it is kept as JSON."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from patchwatch.contract.errors import RejectedError

FORMAT = 2  # of the JSON; 1 was one profile without budgets, and had no number

Interval = tuple[float, float]  # low, high
Box = tuple[float, float, float, float]  # x1, y1, x2, y2 as shares of the picture's width and height, 0..1
Point = tuple[float, float]  # false positive rate, true positive rate


@dataclass(frozen=True)
class Protocol:
    """One way to score every frame of the testing clips, and how well it ranks them.

    Areas are None where only one class was there; their intervals are 95 % bootstrap percentiles over clips, None with
    fewer than two clips that count. ``aupr`` is the average precision over all frames. ``roc`` is the curve over all
    frames, thinned to at most 200 points from (0, 0) to (1, 1).
    """

    micro_auroc: float | None
    macro_auroc: float | None
    micro_auroc_95: Interval | None
    macro_auroc_95: Interval | None
    aupr: float | None
    roc: tuple[Point, ...] = ()
    looks_into_the_future: bool = False
    normalised_over_testing_clips: bool = False


@dataclass(frozen=True)
class Protocols:
    """The same run, scored in three ways.

    ``service``: the score the live service gives: calibrated on the training clips alone, smoothed causally, started
    anew for each clip. ``unsmoothed``: the same without smoothing. ``paper``: the raw fused value smoothed on **both**
    sides, so that it looks into the future, and normalised over the testing clips, as most papers do; no live system
    can have it.
    """

    service: Protocol
    unsmoothed: Protocol
    paper: Protocol


@dataclass(frozen=True)
class HeldOut:
    """False alarms on normal footage that the bank did not see: folds over the training clips, none of it labelled.

    ``expected``: from the lowest to the highest count that the calibration of the folds states for so many hours, None
    where it states none. ``within``: whether the count seen is one that a Poisson process of some rate in that range
    yields with 95 % probability.
    """

    folds: int
    clips: int
    hours: float
    false_alarms: int
    expected: Interval | None
    within: bool | None


@dataclass(frozen=True)
class Budget:
    """The camera's event rule at one number of expected false alarms, on the testing clips.

    ``on``, ``off``: its thresholds of the service score. ``stated_per_day``: the interval within which the calibration
    expects the false alarms per day to lie, None where it states none; ``warnings``: what it says of its own footage.
    ``is_setting``: the budget that PATCHWATCH_FALSE_ALARMS_PER_DAY asks for.

    ``recall`` is ``detected`` of ``labelled`` events, None without any; of the detected, ``opened_early`` are by an
    event that was open already when the labelled range began (delay 0). ``false_alarms`` are events that overlap no
    labelled range, over ``normal_hours`` of frames labelled normal; ``false_alarms_per_hour`` is None without any.
    Delays are from the first labelled frame to the opening of the event, in seconds, over the detected ones.
    """

    name: str
    false_alarms_per_day: float
    is_setting: bool
    on: float
    off: float
    stated_per_day: Interval | None
    labelled: int
    detected: int
    opened_early: int
    recall: float | None
    false_alarms: int
    normal_hours: float
    false_alarms_per_hour: float | None
    delay_median_s: float | None
    delay_p90_s: float | None
    held_out: HeldOut | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detection:
    """What became of a labelled event at one budget (by its name). ``delay_s`` is None when it was missed."""

    budget: str
    detected: bool
    delay_s: float | None


@dataclass(frozen=True)
class LabelledEvent:
    """A maximal range of anomalous frames, counted from 1, both inclusive. ``detections``: one for each budget."""

    first_frame: int
    last_frame: int
    starts_s: float
    ends_s: float
    detections: tuple[Detection, ...]


@dataclass(frozen=True)
class Alarm:
    """An event that the camera's rule opened at one budget. ``false``: it overlaps no labelled range."""

    budget: str
    opened_s: float
    ended_s: float
    peak_s: float
    peak_score: float
    driver: str | None
    false: bool


@dataclass(frozen=True)
class Timeline:
    """A testing clip frame by frame, as analysed: all tuples are of one length.

    Times are seconds since the clip's start. ``service``, ``unsmoothed`` and ``paper`` are in 0..1; ``paper`` looks
    into the future. ``rarities``: by the stream's name, in -log10 of the share of normal frames, None where the stream
    had nothing to say. ``drivers``: the stream that contributed most; ``boxes``: where it looked.
    """

    times_s: tuple[float, ...]
    truth: tuple[bool, ...]
    service: tuple[float, ...]
    unsmoothed: tuple[float, ...]
    paper: tuple[float, ...]
    rarities: dict[str, tuple[float | None, ...]]
    drivers: tuple[str | None, ...]
    boxes: tuple[Box | None, ...]


@dataclass(frozen=True)
class ClipResult:
    """One testing clip. ``frames`` and ``anomalous`` count its own frames, ``analysed`` those that were looked at.

    ``service``, ``unsmoothed``, ``paper``: AUROC within the clip, None where it holds one class only.
    """

    name: str
    frames: int
    anomalous: int
    analysed: int
    service: float | None
    unsmoothed: float | None
    paper: float | None
    events: tuple[LabelledEvent, ...]
    alarms: tuple[Alarm, ...]
    timeline: Timeline | None


@dataclass(frozen=True)
class Moment:
    """A frame that was judged badly. ``frame``: its number in the clip, from 1. ``score``: the service score.
    ``picture_jpeg``: base64, empty if left out."""

    clip: str
    at_s: float
    frame: int
    anomalous: bool
    score: float
    driver: str | None
    box: Box | None
    picture_jpeg: str


@dataclass(frozen=True)
class Nearest:
    """A moment of the training clips that came nearest to what a stream saw. ``picture_jpeg``: base64."""

    clip: str
    at_s: float
    distance: float
    box: Box
    picture_jpeg: str


@dataclass(frozen=True)
class StreamEvidence:
    """One stream's share of the fused value (``contribution``, 0..1), where it looked, and what came nearest."""

    stream: str
    contribution: float
    box: Box | None
    nearest: tuple[Nearest, ...]


@dataclass(frozen=True)
class Evidence:
    """An alarm at the setting's budget with what explains its peak: the streams that had a share in it, most first.

    ``false``: it overlaps no labelled range. ``picture_jpeg``: the frame at the peak, base64.
    """

    clip: str
    opened_s: float
    peak_s: float
    score: float
    false: bool
    streams: tuple[StreamEvidence, ...]
    picture_jpeg: str


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
    about the profile; whoever shows one must say so.

    ``networks``: which networks made the vectors, as a bank names them. ``notes``: what was left out, and why.
    ``worst_misses``: the anomalous frames with the lowest service scores; ``worst_false_alarms``: the normal frames
    with the highest; both worst first, apart from each other in time, few, and of frames that some stream spoke of.
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
    budgets: tuple[Budget, ...]
    clips: tuple[ClipResult, ...]
    worst_misses: tuple[Moment, ...]
    worst_false_alarms: tuple[Moment, ...]
    notes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def label(self) -> str:
        """Name for people."""
        return f"{self.profile} (RANDOM WEIGHTS)" if self.random_weights else self.profile

    @property
    def frames(self) -> int:
        """Labelled frames scored."""
        return sum(clip.frames for clip in self.clips)

    def summary(self) -> dict[str, Any]:
        """JSON values without what is long: curves, timelines, alarms, pictures."""
        tree = _PROFILE.dump_python(self, mode="json")
        for protocol in tree["protocols"].values():
            del protocol["roc"]
        del tree["worst_misses"], tree["worst_false_alarms"], tree["evidence"]
        for clip in tree["clips"]:
            del clip["timeline"], clip["alarms"]
        return dict(tree)


@dataclass(frozen=True)
class RunSettings:
    """What a run was made with. ``frame_rate``: of clips that are folders of pictures, None when there were none."""

    train: str
    test: str
    labels: str
    label_format: str
    analysis_fps: float
    max_side_px: int
    jpeg_quality: int
    frame_rate: float | None
    false_alarms_per_day: float
    folds: int
    bootstrap_resamples: int


@dataclass(frozen=True)
class Report:
    """Result of ``patchwatch evaluate``: the same clips and labels under one or more profiles."""

    version: str
    commit: str | None
    created_at: str  # ISO 8601, UTC
    cpu: str
    cores: int
    settings: RunSettings
    profiles: tuple[ProfileResult, ...]
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        """JSON values; keys stay as they are within a format."""
        return dict(_REPORT.dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, tree: Any) -> Self:
        """Inverse of `as_json`. Raises `RejectedError` for reports of another format and for anything else."""
        if not isinstance(tree, dict) or ("protocols" not in tree and "profiles" not in tree):
            raise RejectedError("is not a report of `patchwatch evaluate`")
        if (found := tree.get("format", 1)) != FORMAT:
            raise RejectedError(
                f"is a report of format {found}, this program reads format {FORMAT}: run `patchwatch evaluate` again"
            )
        try:
            return _REPORT.validate_python(tree)  # type: ignore[return-value]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RejectedError(f"is a damaged report: {where}: {first['msg']}") from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """A report file. Raises `RejectedError` naming it."""
        try:
            return cls.from_json(json.loads(path.read_text()))
        except OSError as error:
            raise RejectedError(f"report {path}: {error.strerror}") from None
        except ValueError as error:
            raise RejectedError(f"{path} is not JSON: {error}") from None
        except RejectedError as error:
            raise RejectedError(f"{path} {error}") from None


_PROFILE = TypeAdapter(ProfileResult)
_REPORT = TypeAdapter(Report)


def commit() -> str | None:
    """Commit of this checkout, with ``+`` when files differ from it; None where the program is installed without."""
    where = Path(__file__).parents[2]
    if not (where / ".git").exists():
        return None
    command = ["git", "-C", str(where), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
