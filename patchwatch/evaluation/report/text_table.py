"""A report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patchwatch.evaluation.report.budget_result import HEADLINE_BUDGET, BudgetResult, HeldOutCheck
from patchwatch.evaluation.report.columns import Row, aligned
from patchwatch.evaluation.report.formatting import expected_count
from patchwatch.evaluation.report.profile_result import Cost, ProfileResult
from patchwatch.evaluation.report.protocol import Interval, Protocol

_RANDOM = "WARNING: RANDOM CLIP weights in the rows that say so: those figures say nothing about the profile"


def table_lines(profiles: Sequence[ProfileResult]) -> Iterator[str]:
    """All profiles in one table, then each one's budgets, clips, costs and notes."""
    head = ("profile", "scores", "micro AUROC [95 %]", "macro AUROC [95 %]", "AUPR", "events", "false alarms")
    yield from aligned([(*head, "delay s", "ms/frame"), *(row for result in profiles for row in _rows(result))])
    yield f"events, false alarms, delay (median/90th percentile): service scores, at a budget of {HEADLINE_BUDGET}"
    yield "*  looks into the future and is normalised over the testing clips: no live system can have it"
    if any(result.random_weights for result in profiles):
        yield _RANDOM
    for result in profiles:
        yield ""
        yield from _details(result)


def _rows(result: ProfileResult) -> Iterator[Row]:
    protocols = result.protocols
    strict = next((budget for budget in result.budgets if budget.name == HEADLINE_BUDGET), None)
    events = (_events(strict), _false_alarms(strict), _delays(strict)) if strict else ("-",) * 3
    yield (result.label, "service", *_areas(protocols.service), *events, f"{result.cost.total_ms:.1f}")
    yield (result.label, "unsmoothed", *_areas(protocols.unsmoothed))
    yield (result.label, "paper *", *_areas(protocols.paper))


def _areas(protocol: Protocol) -> Row:
    micro = _with_interval(protocol.micro_auroc, protocol.micro_auroc_95)
    return micro, _with_interval(protocol.macro_auroc, protocol.macro_auroc_95), _figure(protocol.aupr)


def _details(result: ProfileResult) -> Iterator[str]:
    training = result.training
    yield (
        f"{result.label} at {result.fps:g} fps: learnt from {training.clips} clips, {training.frames} frames, "
        f"{training.seconds:.0f} s; {len(result.clips)} clips with {result.frames} frames scored"
    )
    head = ("  budget", "threshold", "stated a day", "events", "early", "false alarms", "held-out false alarms")
    yield from aligned([(*head, "delay s"), *(_budget(budget) for budget in result.budgets)])
    yield f"  ms of processor time per frame: {_parts(result.cost)}"
    for clip in result.clips:
        areas = f"{_figure(clip.service)} service, {_figure(clip.unsmoothed)} unsmoothed, {_figure(clip.paper)} paper *"
        yield f"  {clip.name}: {clip.anomalous} of {clip.frames} frames anomalous, AUROC {areas}"
    warnings = dict.fromkeys(warning for budget in result.budgets for warning in budget.warnings)
    yield from (f"  note: {note}" for note in (*result.notes, *warnings))


def _budget(budget: BudgetResult) -> Row:
    name = f"  {budget.name}{' (set)' if budget.is_setting else ''}"
    stated = "-" if budget.stated_per_day is None else _range(budget.stated_per_day)
    seen = (_events(budget), str(budget.opened_early), _false_alarms(budget), _held_out(budget.held_out))
    return (name, f"{budget.on:.3f}", stated, *seen, _delays(budget))


def _held_out(check: HeldOutCheck | None) -> str:
    if check is None:
        return "-"
    text = f"{check.false_alarms} in {check.hours:.2g} h"
    if check.expected is None:
        return text
    return f"{text} (stated {_range(check.expected)}{'' if check.within else ': OUTSIDE'})"


def _parts(cost: Cost) -> str:
    parts = {**{f"{name} (shared)": spent for name, spent in cost.shared_ms.items()}, **cost.streams_ms}
    each = ", ".join(f"{name} {spent:.2f}" for name, spent in (*parts.items(), ("scoring", cost.scoring_ms)))
    load = "" if cost.load_1min is None else f" (load average {cost.load_1min:.1f})"
    rate = f"{cost.frames_per_second_per_core:.0f} frames/s a core"
    return f"{each}; {cost.total_ms:.2f} in all on {cost.device}, {rate}{load}"


def _events(budget: BudgetResult) -> str:
    return f"{budget.detected}/{budget.labelled}"


def _false_alarms(budget: BudgetResult) -> str:
    return f"{budget.false_alarms} in {budget.normal_hours:.2g} h"


def _delays(budget: BudgetResult) -> str:
    if budget.delay_median_s is None or budget.delay_p90_s is None:
        return "-"
    return f"{budget.delay_median_s:.1f}/{budget.delay_p90_s:.1f}"


def _with_interval(value: float | None, interval: Interval | None) -> str:
    return _figure(value) + ("" if interval is None else " [{:.3f}, {:.3f}]".format(*interval))


def _range(interval: Interval) -> str:
    return " to ".join(expected_count(limit) for limit in interval)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
