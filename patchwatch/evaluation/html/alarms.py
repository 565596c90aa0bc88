"""Table of alarm budgets."""

from __future__ import annotations

from collections.abc import Sequence

from models.alarms.alarm_threshold import CONFIDENCE
from patchwatch.evaluation.html.element import Markup, element, joined
from patchwatch.evaluation.html.figures import NONE, counts, footage, share
from patchwatch.evaluation.html.summary import random_badge
from patchwatch.evaluation.html.table import Row, table
from patchwatch.evaluation.report.budget_result import BudgetResult, HeldOutCheck
from patchwatch.evaluation.report.profile_result import ProfileResult

_COLUMNS = ("budget", "threshold", "stated a day", "events found", "false alarms", "held-out check", "delay")
_CAPTION = (
    "A budget is how many false alarms an operator accepts. Its threshold is calibrated on the normal training footage "
    f"alone. Stated: the {100 * CONFIDENCE:.0f} % interval of false alarms a day that the calibration vouches for. "
    "Held-out check: false alarms on training clips that were left out of learning, against the interval stated for so "
    "many hours. Delay: from the first labelled frame to the opening of the event, over the events found."
)


def alarms(profiles: Sequence[ProfileResult]) -> Markup:
    """What each profile finds, and how often it is wrong, at each budget."""
    groups = [
        (joined(result.profile, random_badge(result)), [_row(result, budget) for budget in result.budgets])
        for result in profiles
    ]
    return element(
        "section",
        element("h2", "What operators get at each alarm budget"),
        table(_COLUMNS, groups),
        element("p", _CAPTION, class_="caption"),
    )


def _row(result: ProfileResult, budget: BudgetResult) -> Row:
    setting = joined(" ", element("span", "the setting", class_="mark")) if budget.is_setting else None
    cells = (
        f"{budget.on:.3f}",
        NONE if budget.stated_per_day is None else counts(budget.stated_per_day),
        _found(budget),
        _false(budget),
        NONE if budget.held_out is None else _held_out(budget.held_out),
        _delay(budget),
    )
    kinds = ["setting"] * budget.is_setting + ["random"] * result.random_weights
    notes = [element("p", warning, class_="warning") for warning in budget.warnings]
    return Row(joined(budget.name, setting), cells, " ".join(kinds) or None, joined(*notes) if notes else None)


def _found(budget: BudgetResult) -> Markup:
    if not budget.labelled:
        return joined(NONE)
    early = f", {budget.opened_early} open before it began" if budget.opened_early else ""
    return joined(
        element("b", f"{budget.detected}/{budget.labelled}"),
        " ",
        element("small", share(budget.detected, budget.labelled) + early),
    )


def _false(budget: BudgetResult) -> Markup:
    hourly = budget.false_alarms_per_hour
    rate = "" if not hourly else f", {hourly:.1f} per hour"
    return joined(
        element("b", str(budget.false_alarms)), " ", element("small", f"in {footage(budget.normal_hours * 3600)}{rate}")
    )


def _held_out(found: HeldOutCheck) -> Markup:
    seen = joined(element("b", str(found.false_alarms)), " ", element("small", f"in {footage(found.hours * 3600)}"))
    if found.expected is None or found.within is None:
        return joined(seen, element("small", ", no interval stated"))
    verdict = element("span", "expected" if found.within else "OUTSIDE", class_="inside" if found.within else "outside")
    return joined(seen, element("br"), verdict, " ", element("small", counts(found.expected)))


def _delay(budget: BudgetResult) -> Markup:
    if budget.delay_median_s is None or budget.delay_p90_s is None:
        return joined(NONE)
    late = element("small", f"p90 {budget.delay_p90_s:.1f} s")
    return joined(element("b", f"{budget.delay_median_s:.1f} s"), " ", late)
