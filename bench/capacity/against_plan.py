"""A step beside what `patchwatch plan` calculates for it: operations, Redis's thread, memory, and the lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.capacity.shares import Step, few_that_kept_up, frames_per_s, inference
from patchwatch.capacity.figures import Figures
from workers.inference.queue_reader import GATHER_S

WITHIN = 0.20  # share of the calculated figure
_KEPT_UP = 0.98  # of the frames that were published, scored in the same time


@dataclass(frozen=True)
class Comparison:
    """``deviation``: how much more was measured than calculated, as a share of the latter."""

    what: str
    calculated: float
    measured: float
    deviation: float
    within: bool

    @classmethod
    def between(cls, what: str, calculated: float, measured: float) -> Comparison:
        deviation = (measured - calculated) / calculated
        return cls(what, _short(calculated), _short(measured), round(deviation, 3), abs(deviation) <= WITHIN)


def compare(step: Step, steps: Sequence[Step], run: Mapping[str, Any], figures: Figures) -> list[Any]:
    """Of one step of a ``run``, whose ``steps`` so far its lag is calculated from. Nothing of the first step's lag."""
    rows = [
        Comparison.between("Redis commands a second", _commands_per_s(step, figures), step["redis_commands_per_s"]),
        Comparison.between("load of Redis's thread", _redis_load(step, run, figures), step["redis_thread_load"]),
        Comparison.between("memory of Redis, MiB", redis_mib(step, run, figures), step["resident_mib"]["redis"]),
    ]
    if step is not steps[0] and "p50" in step["lag_ms"]:
        lag_ms = calculated_lag_ms(step, steps, run["workers_of_ingest_and_of_inference"])
        if lag_ms is not None:
            rows.append(Comparison.between("median lag, ms", lag_ms, step["lag_ms"]["p50"]))
    return [asdict(row) for row in rows]


def calculated_lag_ms(step: Step, steps: Sequence[Step], workers: int) -> float | None:
    """The first step's median lag, longer by the wait for a worker that is busier (M/D/1: a frame that takes s waits
    s r / 2 (1 - r) at a load of r), and by the time that a worker gives its cameras' frames to come and then takes to
    ask for them. None where the workers cannot keep up, for then it grows without end; or where the
    steps do not say what a frame takes and what a camera."""
    if not few_that_kept_up(steps):
        return None
    first, made_of = steps[0], inference(steps)
    loads = [made_of.of(one["cameras"], one["cameras"] * one["fps"]) / workers for one in (first, step)]
    if max(loads) >= 1 or "p50" not in first["lag_ms"]:
        return None
    waits_s = [made_of.a_frame * load / (2 * (1 - load)) for load in loads]
    asked_s = 2 * GATHER_S * (step["cameras"] - first["cameras"]) / workers
    return float(first["lag_ms"]["p50"] + 1000 * (waits_s[1] - waits_s[0] + asked_s))


def kept_up(step: Step) -> bool:
    """Whether the frames were scored as they came, by all cameras."""
    return not step["unscored_cameras"] and _scored(step) >= _KEPT_UP * step["frames_per_s"]["published"]


def as_text(steps: Sequence[Step]) -> str:
    """A table for people."""
    lines = [f"{'cameras':>8} {'fps':>5}  {'':<26} {'calculated':>11} {'measured':>9} {'deviation':>9}"]
    for step in steps:
        for row in step["against_plan"]:
            told = "" if row["within"] else f"  beyond {WITHIN:.0%}"
            lines.append(
                f"{step['cameras']:>8} {step['fps']:>5g}  {row['what']:<26} {row['calculated']:>11g} "
                f"{row['measured']:>9g} {row['deviation']:>+9.1%}{told}"
            )
        if not step["kept_up"]:
            scored, published = _scored(step), step["frames_per_s"]["published"]
            lines.append(
                f"{step['cameras']:>8} {step['fps']:>5g}  did not keep up: {scored:g} of {published:g} frames/s "
                f"scored, {step['unscored_cameras']} cameras without a score"
            )
    return "\n".join(lines)


def _scored(step: Step) -> float:
    return float(step["frames_per_s"].get("scored", 0.0))


def _commands_per_s(step: Step, figures: Figures) -> float:
    counts = figures.commands
    return counts.idle + int(step["cameras"]) * counts.a_camera + frames_per_s(step) * counts.a_frame


def _redis_load(step: Step, run: Mapping[str, Any], figures: Figures) -> float:
    thread = figures.thread
    others = int(run["workers_of_ingest_and_of_inference"]) - 1
    looks_s = int(step["cameras"]) * others * figures.rounds.per_s * figures.rounds.redis_us / 1e6
    own_ms = int(step["cameras"]) * thread.a_camera_ms + frames_per_s(step) * thread.a_frame_ms
    return thread.idle + own_ms / 1000 + looks_s


def redis_mib(step: Step, run: Mapping[str, Any], figures: Figures) -> float:
    """Pictures of this run's size, and scores of as long as it has taken so far; the plan's reserve for a month of
    minutes and alerts is none of it."""
    rate = float(step["fps"]) / figures.frames.fps
    pictures = figures.redis.queue_mib * float(run["picture_kb"]) / figures.frames.picture_kb
    scores = figures.scores.mib_an_hour * float(step["began_to_end_s"]) / 3600
    return figures.redis.base_mib + int(step["cameras"]) * (figures.redis.camera_mib + rate * (pictures + scores))


def _short(value: float) -> float:
    return float(f"{value:.4g}")
