"""False alarms on normal footage that a bank has not seen: the training clips, each held out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.stats import poisson

from models.engine.engine import Engine
from patchwatch.evaluation.budgets import AlarmBudget, rule_at
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.detection import detect_events
from patchwatch.evaluation.report.budget_result import HeldOutCheck
from patchwatch.evaluation.report.protocol import Interval
from patchwatch.evaluation.scoring import ExtractedClip, learn, score

FOLDS = 4
_HOURS_PER_DAY = 24.0
_CONFIDENCE = 0.95

Progress = Callable[[float], None]


@dataclass(frozen=True)
class _Count:
    """Events that opened in one fold at one budget, and how many the calibration expects on that much footage."""

    events: int
    expected: Interval


def check_held_out(
    engine: Engine,
    clips: Sequence[ExtractedClip],
    budgets: Sequence[AlarmBudget],
    *,
    folds: int = FOLDS,
    progress: Progress = lambda done: None,
) -> list[HeldOutCheck]:
    """One result per budget. Fold ``k`` of n holds out every n-th clip from the k-th on and learns from the others.

    Every event that opens on a held-out clip counts: the footage is normal. Needs two clips; there are
    never more folds than clips. Raises `InsufficientFootageError` where a fold leaves too little to learn from.
    """
    folds = min(folds, len(clips))
    if folds < 2:
        raise ValueError("folds need two clips")
    counts = []
    for fold in range(folds):
        known = [clip for number, clip in enumerate(clips) if number % folds != fold]
        counts.append(_count(engine, known, clips[fold::folds], budgets))
        progress((fold + 1) / folds)
    hours = sum(clip.duration_s for clip in clips) / 3600.0
    return [_total([fold[position] for fold in counts], folds, len(clips), hours) for position in range(len(budgets))]


def _count(
    engine: Engine, known: Sequence[ExtractedClip], unseen: Sequence[ExtractedClip], budgets: Sequence[AlarmBudget]
) -> list[_Count]:
    bank = learn(engine, known, budgets[0].per_day)
    scored = [score(bank, clip, CostMeter()) for clip in unseen]
    days = sum(clip.duration_s for clip in unseen) / 3600.0 / _HOURS_PER_DAY
    counts = []
    for budget in budgets:
        at_budget = rule_at(bank, budget)
        events = sum(len(detect_events(clip, at_budget.rule)) for clip in scored)
        low, high = at_budget.stated_per_day
        counts.append(_Count(events, (low * days, high * days)))
    return counts


def _total(counts: Sequence[_Count], folds: int, clips: int, hours: float) -> HeldOutCheck:
    events = sum(count.events for count in counts)
    expected = (sum(count.expected[0] for count in counts), sum(count.expected[1] for count in counts))
    return HeldOutCheck(folds, clips, hours, events, expected, is_within(events, expected))


def is_within(events: int, expected: Interval) -> bool:
    """Whether so many events lie within the 95 % interval of a Poisson process with a mean in ``expected``."""
    tail = (1.0 - _CONFIDENCE) / 2.0
    low, high = expected
    return bool(poisson.ppf(tail, low) <= events <= poisson.ppf(1.0 - tail, high))
