"""What the figures of one profile mean, as key figures and in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.formatting import (
    NOT_AVAILABLE,
    alarm_budget,
    area,
    area_interval,
    count_interval,
    duration,
    frame_rate,
    quantity,
)
from patchwatch.evaluation.report.profile_result import Cost, ProfileResult
from patchwatch.evaluation.report.protocol import Protocol

_ENOUGH_HOURS = 1.0  # With less normal footage than this, "no false alarm" means little.


@dataclass(frozen=True)
class ProfileSummary:
    """A profile with its key figures (name, value) and its paragraph."""

    result: ProfileResult
    key_figures: tuple[tuple[str, str], ...]
    paragraph: str


def summarise(result: ProfileResult, cores: int) -> ProfileSummary:
    """``cores``: processor cores of the machine that ran the evaluation."""
    return ProfileSummary(result, tuple(_key_figures(result)), " ".join(_sentences(result, cores)))


def _key_figures(result: ProfileResult) -> Iterator[tuple[str, str]]:
    budget = result.main_budget
    yield "micro AUROC", area(result.protocols.service.micro_auroc)
    if budget is not None:
        median_s = budget.delay_median_s
        yield "events found", f"{budget.detected}/{budget.labelled}"
        yield "median delay", NOT_AVAILABLE if median_s is None else f"{median_s:.1f} s"
        yield "false alarms", str(budget.false_alarms)
    yield "frames/s per core", frame_rate(result.cost.frames_per_second_per_core)


def _sentences(result: ProfileResult, cores: int) -> Iterator[str]:
    if result.random_weights:
        yield "Made with random weights: these figures show that the program runs and say nothing about the profile."
    training = result.training
    yield (
        f"From {duration(training.seconds)} of normal footage ({quantity(training.clips, 'clip')}) this profile learnt "
        f"what is usual, then scored {quantity(result.frames, 'frame')} in {quantity(len(result.clips), 'clip')}."
    )
    yield _ranking(result.protocols.service)
    budget = result.main_budget
    if budget is not None:
        yield _events(budget)
        yield _false_alarms(budget)
        yield from _held_out(budget)
    yield _cost(result.cost)
    yield from _overload(result.cost, cores)


def _ranking(service: Protocol) -> str:
    if service.micro_auroc is None:
        return "How well it ranks frames cannot be measured, because all frames are of one class."
    interval = "" if service.micro_auroc_95 is None else f", 95 % interval {area_interval(service.micro_auroc_95)}"
    return (
        f"Scored as a live service would, an anomalous frame ranks above a normal one {100 * service.micro_auroc:.1f} "
        f"times in 100 (micro AUROC {area(service.micro_auroc)}{interval})."
    )


def _events(budget: BudgetResult) -> str:
    origin = "setting" if budget.is_setting else "budget"
    at_budget = f"At the {origin} of {alarm_budget(budget.false_alarms_per_day)}"
    if not budget.labelled:
        return f"{at_budget} there was no labelled event to find."
    detected = f"{at_budget} it opened an event for {budget.detected} of {quantity(budget.labelled, 'labelled event')}"
    if budget.delay_median_s is None or budget.delay_p90_s is None:
        return f"{detected}."
    return (
        f"{detected}, half of them within {budget.delay_median_s:.1f} s and nine in ten within "
        f"{budget.delay_p90_s:.1f} s."
    )


def _false_alarms(budget: BudgetResult) -> str:
    caveat = ", which is too little to derive a rate" if budget.normal_hours < _ENOUGH_HOURS else ""
    return (
        f"It raised {quantity(budget.false_alarms, 'false alarm')} in {duration(budget.normal_hours * 3600)} of normal "
        f"test footage{caveat}."
    )


def _held_out(budget: BudgetResult) -> Iterator[str]:
    check = budget.held_out
    if check is None:
        return
    raised = f"On {duration(check.hours * 3600)} of normal footage held out of learning it raised {check.false_alarms}"
    if check.expected is None:
        yield f"{raised}; the calibration states no interval for it."
        return
    verdict = "chance explains the number" if check.within else "chance does not explain the number"
    yield f"{raised}. The calibration expects {count_interval(check.expected)}: {verdict}."


def _cost(cost: Cost) -> str:
    return (
        f"A frame costs {cost.total_ms:.1f} ms of processor time on {cost.device}: "
        f"{frame_rate(cost.frames_per_second_per_core)} frames a second on one core."
    )


def _overload(cost: Cost, cores: int) -> Iterator[str]:
    if cost.load_1min is not None and cost.load_1min > cores:
        yield f"The machine was overloaded ({cost.load_1min:.1f} waiting for {cores} cores): alone it costs less."
