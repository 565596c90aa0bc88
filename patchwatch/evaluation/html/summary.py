"""What the figures of one profile say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from patchwatch.evaluation.html.element import Markup, element, joined
from patchwatch.evaluation.html.figures import area, areas, chosen, counted, counts, footage, per_day
from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.profile_result import Cost, ProfileResult
from patchwatch.evaluation.report.protocol import Protocol

_ENOUGH_HOURS = 1.0  # of normal footage, below which "no false alarm" says little


def card(result: ProfileResult, line: int, cores: int) -> Markup:
    """A profile's key figures and its paragraph. ``line``: which colour its curves have."""
    budget = chosen(result.budgets)
    return element(
        "article",
        element("h3", element("i", class_="swatch"), result.profile, random_badge(result)),
        element("dl", *_key_figures(result, budget), class_="key"),
        element("p", " ".join(sentences(result, cores))),
        *(element("p", note, class_="warning") for note in result.notes),
        class_=f"card p{line}" + (" random" if result.random_weights else ""),
    )


def random_badge(result: ProfileResult) -> Markup | None:
    """What must stand beside the name of a profile whose networks had random weights."""
    return joined(" ", element("b", "RANDOM WEIGHTS", class_="badge")) if result.random_weights else None


def sentences(result: ProfileResult, cores: int) -> Iterator[str]:
    """The paragraph, sentence by sentence."""
    if result.random_weights:
        yield "Made with random weights: these figures show that the program runs and say nothing about the profile."
    training = result.training
    yield (
        f"From {footage(training.seconds)} of normal footage ({counted(training.clips, 'clip')}) this profile learnt "
        f"what is usual, then scored {counted(result.frames, 'frame')} in {counted(len(result.clips), 'clip')}."
    )
    yield _ranking(result.protocols.service)
    budget = chosen(result.budgets)
    if budget is not None:
        yield _events(budget)
        yield _false_alarms(budget)
        yield from _held_out(budget)
    yield _cost(result.cost, cores)


def _ranking(service: Protocol) -> str:
    if service.micro_auroc is None:
        return "All frames are of one class, so that nothing can be said about how well it ranks them."
    spread = f", 95 % interval {areas(service.micro_auroc_95)}" if service.micro_auroc_95 else ""
    return (
        f"Scored as a live service would, an anomalous frame ranks above a normal one {100 * service.micro_auroc:.1f} "
        f"times in 100 (micro AUROC {area(service.micro_auroc)}{spread})."
    )


def _events(budget: BudgetResult) -> str:
    asked = f"At the {'setting of' if budget.is_setting else 'budget of'} {per_day(budget.false_alarms_per_day)}"
    if not budget.labelled:
        return f"{asked} there was no labelled event to find."
    found = f"{asked} it opened an event for {budget.detected} of {counted(budget.labelled, 'labelled event')}"
    if budget.delay_median_s is None or budget.delay_p90_s is None:
        return f"{found}."
    return (
        f"{found}, half of them within {budget.delay_median_s:.1f} s and nine in ten within {budget.delay_p90_s:.1f} s."
    )


def _false_alarms(budget: BudgetResult) -> str:
    seen = counted(budget.false_alarms, "false alarm")
    scarce = ", which is too little to tell a rate from" if budget.normal_hours < _ENOUGH_HOURS else ""
    return f"It raised {seen} in {footage(budget.normal_hours * 3600)} of normal test footage{scarce}."


def _held_out(budget: BudgetResult) -> Iterator[str]:
    found = budget.held_out
    if found is None:
        return
    seen = f"On {footage(found.hours * 3600)} of normal footage held out of learning it raised {found.false_alarms}"
    if found.expected is None:
        yield f"{seen}; the calibration states no interval for it."
        return
    verdict = "chance allows that" if found.within else "that is no chance"
    yield f"{seen}. The calibration expects {counts(found.expected)}: {verdict}."


def _cost(cost: Cost, cores: int) -> str:
    text = (
        f"A frame costs {cost.total_ms:.1f} ms of processor time on {cost.device}: "
        f"{_rate(cost.frames_per_second_per_core)} frames a second on one core."
    )
    if cost.load_1min is not None and cost.load_1min > cores:
        text += f" The machine was overloaded ({cost.load_1min:.1f} waiting for {cores} cores): alone it costs less."
    return text


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _key_figures(result: ProfileResult, budget: BudgetResult | None) -> Iterator[Markup]:
    yield _key(area(result.protocols.service.micro_auroc), "micro AUROC")
    if budget is not None:
        yield _key(f"{budget.detected}/{budget.labelled}", "events found")
        median_s = budget.delay_median_s
        yield _key("n/a" if median_s is None else f"{median_s:.1f} s", "median delay")
        yield _key(str(budget.false_alarms), "false alarms")
    yield _key(_rate(result.cost.frames_per_second_per_core), "frames/s per core")


def _key(value: str, name: str) -> Markup:
    return element("div", element("dt", name), element("dd", value))
