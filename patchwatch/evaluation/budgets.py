"""The alarm budgets that an evaluation measures, and the event rule that a bank sets for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.alarms.event_detector import EventRule
from models.banks.bank import Bank
from patchwatch.evaluation.report.budget_result import HEADLINE_BUDGET, PROVISIONAL_LEVEL
from patchwatch.evaluation.report.protocol import Interval

_SAME = 1e-9


@dataclass(frozen=True)
class AlarmBudget:
    """Expected false alarms per camera and day. ``is_setting``: the budget of PATCHWATCH_FALSE_ALARMS_PER_DAY.
    ``provisional``: at the level of a camera that goes on learning."""

    name: str
    per_day: float
    is_setting: bool = False
    provisional: bool = False


@dataclass(frozen=True)
class BudgetRule:
    """A bank's event rule at a budget, and the interval of false alarms per day that its calibration expects."""

    rule: EventRule
    stated_per_day: Interval
    warnings: tuple[str, ...]


STRICT = AlarmBudget(HEADLINE_BUDGET, 24.0)
_ALWAYS = (STRICT, AlarmBudget("4 per day", 4.0), AlarmBudget("1 per day", 1.0))


def alarm_budgets(setting_per_day: float) -> tuple[AlarmBudget, ...]:
    """One per hour, four and one per day, the budget of the setting, which may be one of them, and its provisional
    level."""
    budgets = [replace(budget, is_setting=abs(budget.per_day - setting_per_day) < _SAME) for budget in _ALWAYS]
    if not any(budget.is_setting for budget in budgets):
        budgets.append(AlarmBudget(f"{setting_per_day:g} per day", setting_per_day, is_setting=True))
    return (*budgets, AlarmBudget(PROVISIONAL_LEVEL, setting_per_day, provisional=True))


def rule_at(bank: Bank, budget: AlarmBudget) -> BudgetRule:
    """The rule that the bank's threshold model sets for a budget."""
    threshold = bank.threshold.at(budget.per_day, provisional=budget.provisional)
    return BudgetRule(
        rule=bank.threshold.rule(budget.per_day, provisional=budget.provisional),
        stated_per_day=(threshold.expected_low, threshold.expected_high),
        warnings=(threshold.warning,) if threshold.warning else (),
    )
