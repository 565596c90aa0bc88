"""What each testing clip adds to the figures of a scene, so that they can be measured again on any choice of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.alarms.calibration import score_of
from patchwatch.evaluation.budgets import AlarmBudget, alarm_budgets
from patchwatch.evaluation.clips import ClipFrames
from patchwatch.evaluation.detection import ClipDetections, EventMatch
from patchwatch.evaluation.evaluation import Dataset, ProfileRun, detections_at
from patchwatch.evaluation.labels.regions import clip_regions
from patchwatch.evaluation.protocols import FrameScores, hold_last
from patchwatch.evaluation.scoring import ScoredClip
from patchwatch.evaluation.statistics.metrics import Truth
from patchwatch.evaluation.statistics.region_criterion import Box, Region, RegionTally, tally_regions

HELD_OUT_LEVEL = score_of(2.0)  # the unsmoothed score that one in a hundred held-out normal frames exceeds
_DIGITS = 6

_Regions = tuple[Region, ...] | None


@dataclass(frozen=True)
class BudgetTally:
    """A clip's labelled events and false alarms at one budget.

    ``in_time``: events whose alarm opened after the onset and within the scene's limit, None without a limit;
    ``opened_early``: before the onset.
    ``delays_s``: of the detected.
    """

    budget: str
    labelled: int
    detected: int
    in_time: int | None
    opened_early: int
    false_alarms: int
    delays_s: tuple[float, ...]


@dataclass(frozen=True)
class ClipTally:
    """One testing clip. ``scores``: service scores of its analysed frames, each with the number of its own frames that
    have it, ``anomalous`` and ``normal``. ``above``: normal frames above the level that one in a hundred held-out
    normal frames exceeds. ``regions``: None where the labels do not say where the anomaly is.
    """

    name: str
    seconds: float
    normal_s: float
    scores: tuple[float, ...]
    anomalous: tuple[int, ...]
    normal: tuple[int, ...]
    above: int
    budgets: tuple[BudgetTally, ...]
    regions: RegionTally | None

    @property
    def is_normal(self) -> bool:
        """Whether no frame of it is labelled anomalous."""
        return not any(self.anomalous)

    @property
    def frames(self) -> tuple[int, int]:
        """Its own frames: anomalous, normal."""
        return sum(self.anomalous), sum(self.normal)


def tally_clips(dataset: Dataset, profile_run: ProfileRun, events_within_s: float | None) -> tuple[ClipTally, ...]:
    """One per testing clip. Raises `RejectedError` for masks that do not fit."""
    budgets = alarm_budgets(profile_run.bank.false_alarms_per_day)
    at_budgets = (
        [_at_budget(budget, of_clip, events_within_s) for of_clip in detections_at(profile_run, dataset, budget)]
        for budget in budgets
    )
    parts = zip(
        dataset.testing, dataset.truths, profile_run.scored, profile_run.scores, _regions(dataset),
        zip(*at_budgets, strict=True), strict=True,
    )  # fmt: skip
    return tuple(_tally(*of_clip) for of_clip in parts)


def _regions(dataset: Dataset) -> Iterator[_Regions]:
    if dataset.labels is None:
        raise ValueError("a suite needs labels")
    for frames, truth in zip(dataset.testing, dataset.truths, strict=True):
        yield clip_regions(dataset.labels, frames, truth)


def _tally(
    frames: ClipFrames,
    truth: Truth,
    scored: ScoredClip,
    scores: FrameScores,
    regions: _Regions,
    budgets: tuple[BudgetTally, ...],
) -> ClipTally:
    service, count = np.round(scored.service, _DIGITS), len(scored.readings)
    held = hold_last(frames.times_s, scored.at_s, np.arange(count, dtype=np.float64)).astype(np.int64)
    detections = _detections(scored, service.tolist(), held.tolist())
    return ClipTally(
        name=frames.clip.name,
        seconds=round(frames.duration_s, 3),
        normal_s=round(float((~truth).sum()) * frames.interval_s, 3),
        scores=tuple(service.tolist()),
        anomalous=tuple(np.bincount(held[truth], minlength=count).tolist()),
        normal=tuple(np.bincount(held[~truth], minlength=count).tolist()),
        above=int((scores.unsmoothed[~truth] > HELD_OUT_LEVEL).sum()),
        budgets=budgets,
        regions=None if regions is None else tally_regions(regions, detections),
    )


def _detections(scored: ScoredClip, service: list[float], held: list[int]) -> list[tuple[Box, float] | None]:
    """Of each of the clip's own frames the region that the last analysed one points at, with its score."""
    of_analysed = [None if box is None else (box, score) for box, score in zip(scored.boxes, service, strict=True)]
    return [of_analysed[position] for position in held]


def _at_budget(budget: AlarmBudget, clip: ClipDetections, events_within_s: float | None) -> BudgetTally:
    events = clip.matches
    return BudgetTally(
        budget=budget.name,
        labelled=len(events),
        detected=sum(event.detected for event in events),
        in_time=_in_time(events, events_within_s),
        opened_early=sum(event.opened_early for event in events),
        false_alarms=clip.false_alarms,
        delays_s=tuple(round(event.delay_s, _DIGITS) for event in events if event.delay_s is not None),
    )


def _in_time(events: Sequence[EventMatch], events_within_s: float | None) -> int | None:
    if events_within_s is None:
        return None
    delays_s = (event.delay_s for event in events if event.delay_s is not None and not event.opened_early)
    return sum(delay_s <= events_within_s for delay_s in delays_s)
