"""The figures of a scene, each measured on any choice of its clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from patchwatch.evaluation.statistics.region_criterion import DetectionCurve
from patchwatch.evaluation.suite.clip_tally import BudgetTally, ClipTally

Weights = NDArray[np.float64]  # (choices, clips): how often each clip counts in each choice
Values = NDArray[np.float64]  # (choices,): NaN where the figure is not defined

RANKING = "micro AUROC"
NORMAL_ABOVE = "normal frames above 99 %"


@dataclass(frozen=True)
class Figure:
    """A named figure. ``counting``: bool (clips,), the clips that hold what it counts; of one such clip nothing is
    known about others."""

    name: str
    measure: Callable[[SceneTally, Weights], Values]
    counting: Callable[[SceneTally], NDArray[np.bool_]]
    higher_is_better: bool

    def units(self, scene: SceneTally) -> int:
        """The number of clips that hold what it counts."""
        return int(self.counting(scene).sum())


@dataclass(frozen=True)
class SceneTally:
    """The clips of a scene side by side."""

    clips: tuple[ClipTally, ...]

    @cached_property
    def anomalous(self) -> NDArray[np.float64]:
        return self._per_clip([clip.frames[0] for clip in self.clips])

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        return self._per_clip([clip.frames[1] for clip in self.clips])

    @cached_property
    def above(self) -> NDArray[np.float64]:
        return self._per_clip([clip.above for clip in self.clips])

    @cached_property
    def normal_hours(self) -> NDArray[np.float64]:
        return self._per_clip([clip.normal_s for clip in self.clips]) / 3600.0

    @cached_property
    def counts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Anomalous and normal frames at each distinct score, the highest first: (clips, scores) each."""
        scores = np.unique(np.concatenate([clip.scores for clip in self.clips]))
        tables = np.zeros((2, len(self.clips), len(scores)))
        for n, clip in enumerate(self.clips):
            positions = np.searchsorted(scores, clip.scores)
            for table, frames in zip(tables, (clip.anomalous, clip.normal), strict=True):
                np.add.at(table[n], positions, frames)
        return tables[0, :, ::-1], tables[1, :, ::-1]

    @cached_property
    def ordered(self) -> NDArray[np.float64]:
        """(clips, clips): pairs of an anomalous frame of one and a normal one of the other in the right order, ties
        counting half."""
        anomalous, normal = self.counts
        below = normal.sum(axis=1, keepdims=True) - np.cumsum(normal, axis=1) + normal / 2.0
        return np.asarray(anomalous @ below.T)

    @cached_property
    def resampled(self) -> dict[str, Values]:
        """By the name of the figure, what was measured on resamples so far."""
        return {}

    def at(self, budget: str) -> list[BudgetTally]:
        """Of each clip."""
        return [tally for clip in self.clips for tally in clip.budgets if tally.budget == budget]

    def curve(self, kind: str) -> DetectionCurve | None:
        """Of ``regions`` or ``tracks``, over the clips whose labels say where the anomaly is; None without any."""
        known = [clip.regions for clip in self.clips if clip.regions is not None]
        return DetectionCurve.of([getattr(tally, kind) for tally in known], known) if known else None

    @property
    def has_regions(self) -> NDArray[np.bool_]:
        return np.array([clip.regions is not None for clip in self.clips])

    def _per_clip(self, values: Sequence[float]) -> NDArray[np.float64]:
        return np.array(values, np.float64)


def figures(budgets: Sequence[str]) -> Iterator[Figure]:
    """Every figure of a scene, in the order in which they are shown."""
    yield Figure(RANKING, _micro, _with_anomalous, higher_is_better=True)
    yield Figure("macro AUROC", _macro, _with_both, higher_is_better=True)
    yield Figure("AUPR", _aupr, _with_anomalous, higher_is_better=True)
    for name, kind in (("RBDC", "regions"), ("TBDC", "tracks")):
        yield Figure(name, partial(_criterion, kind=kind), _with_labelled_regions, higher_is_better=True)
    yield Figure(NORMAL_ABOVE, _above, _with_normal, higher_is_better=False)
    for budget in budgets:
        yield from _at(budget)


def _at(budget: str) -> Iterator[Figure]:
    labelled = partial(_with_events, budget=budget)
    yield Figure(recall_at(budget), partial(_share, budget=budget, what="detected"), labelled, higher_is_better=True)
    yield Figure(in_time_at(budget), partial(_share, budget=budget, what="in_time"), labelled, higher_is_better=True)
    yield Figure(false_alarms_at(budget), partial(_false_alarms, budget=budget), _with_normal, higher_is_better=False)
    for name, percentile in ((delay_at(budget), 50.0), (slow_delay_at(budget), 90.0)):
        measure = partial(_delay, budget=budget, percentile=percentile)
        yield Figure(name, measure, partial(_with_detected, budget=budget), higher_is_better=False)


def recall_at(budget: str) -> str:
    """Name of the share of labelled events that are found at a budget."""
    return f"event recall at {budget}"


def in_time_at(budget: str) -> str:
    """Name of the share of labelled events that are found within the scene's time at a budget."""
    return f"events in time at {budget}"


def false_alarms_at(budget: str) -> str:
    """Name of the false alarms an hour at a budget."""
    return f"false alarms per hour at {budget}"


def delay_at(budget: str) -> str:
    """Name of the median delay, in seconds, at a budget."""
    return f"delay, median s, at {budget}"


def slow_delay_at(budget: str) -> str:
    """Name of the delay that a tenth of the found events exceed, in seconds, at a budget."""
    return f"delay, 90th percentile s, at {budget}"


def _with_anomalous(scene: SceneTally) -> NDArray[np.bool_]:
    return scene.anomalous > 0


def _with_normal(scene: SceneTally) -> NDArray[np.bool_]:
    return scene.normal > 0


def _with_both(scene: SceneTally) -> NDArray[np.bool_]:
    return _with_anomalous(scene) & _with_normal(scene)


def _with_labelled_regions(scene: SceneTally) -> NDArray[np.bool_]:
    return np.array([clip.regions is not None and len(clip.regions.regions) > 0 for clip in scene.clips])


def _with_events(scene: SceneTally, budget: str) -> NDArray[np.bool_]:
    return np.array([tally.labelled > 0 for tally in scene.at(budget)])


def _with_detected(scene: SceneTally, budget: str) -> NDArray[np.bool_]:
    return np.array([tally.detected > 0 for tally in scene.at(budget)])


def _micro(scene: SceneTally, weights: Weights) -> Values:
    ordered = ((weights @ scene.ordered) * weights).sum(axis=1)
    return _ratio(ordered, (weights @ scene.anomalous) * (weights @ scene.normal))


def _macro(scene: SceneTally, weights: Weights) -> Values:
    pairs = scene.anomalous * scene.normal
    areas = np.where(pairs > 0, np.diag(scene.ordered) / np.where(pairs > 0, pairs, 1.0), 0.0)
    return _ratio(weights @ areas, weights @ (pairs > 0).astype(np.float64))


def _aupr(scene: SceneTally, weights: Weights) -> Values:
    anomalous, normal = (weights @ table for table in scene.counts)
    true, false = np.cumsum(anomalous, axis=1), np.cumsum(normal, axis=1)
    precision = true / np.maximum(true + false, 1.0)
    return _ratio((anomalous * precision).sum(axis=1), true[:, -1])


def _criterion(scene: SceneTally, weights: Weights, kind: str) -> Values:
    curve = scene.curve(kind)
    if curve is None:
        return np.full(len(weights), np.nan)
    return np.array([curve.area(choice) for choice in weights[:, scene.has_regions]])


def _above(scene: SceneTally, weights: Weights) -> Values:
    return _ratio(weights @ scene.above, weights @ scene.normal)


def _share(scene: SceneTally, weights: Weights, budget: str, what: str) -> Values:
    tallies = scene.at(budget)
    found = np.array([getattr(tally, what) for tally in tallies], np.float64)  # None becomes NaN
    labelled = np.array([tally.labelled for tally in tallies], np.float64)
    return _ratio(weights @ found, weights @ labelled)


def _false_alarms(scene: SceneTally, weights: Weights, budget: str) -> Values:
    counts = np.array([tally.false_alarms for tally in scene.at(budget)], np.float64)
    return _ratio(weights @ counts, weights @ scene.normal_hours)


def _delay(scene: SceneTally, weights: Weights, budget: str, percentile: float) -> Values:
    """Linearly interpolated, as over a list in which a clip's delays stand as often as it counts."""
    tallies = scene.at(budget)
    delays_s = np.array([delay_s for tally in tallies for delay_s in tally.delays_s])
    if not len(delays_s):
        return np.full(len(weights), np.nan)
    clip = np.repeat(np.arange(len(tallies)), [len(tally.delays_s) for tally in tallies])
    order = np.argsort(delays_s, kind="stable")
    return _weighted_percentile(delays_s[order], weights[:, clip[order]], percentile)


def _weighted_percentile(values: NDArray[np.float64], weights: Weights, percentile: float) -> Values:
    """``values``: (n,), rising; ``weights``: whole numbers (choices, n)."""
    ends = np.cumsum(weights, axis=1)
    position = (ends[:, -1] - 1.0) * percentile / 100.0
    low, high = (
        values[np.minimum((ends <= np.floor(position + step)[:, None]).sum(axis=1), len(values) - 1)] for step in (0, 1)
    )
    between = low + (position - np.floor(position)) * (high - low)
    return np.where(ends[:, -1] > 0, between, np.nan)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> Values:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
