"""The alarm budgets that an evaluation looks at, and what a bank says of each."""

from __future__ import annotations

from dataclasses import dataclass

from models.alarms.event_detector import EventRule
from models.banks.bank import Bank
from patchwatch.evaluation.report.budget_result import HEADLINE_BUDGET
from patchwatch.evaluation.report.protocol import Interval

_SAME = 1e-9


@dataclass(frozen=True)
class AlarmBudget:
    """So many expected false alarms per camera. ``is_setting``: what PATCHWATCH_FALSE_ALARMS_PER_DAY asks for."""

    name: str
    per_day: float
    is_setting: bool = False


@dataclass(frozen=True)
class BudgetRule:
    """A bank's rule at a budget, and the interval of false alarms per day its calibration states."""

    rule: EventRule
    stated_per_day: Interval
    warnings: tuple[str, ...]


STRICT = AlarmBudget(HEADLINE_BUDGET, 24.0)
_USUAL = (STRICT, AlarmBudget("4 per day", 4.0), AlarmBudget("1 per day", 1.0))


def budgets(setting_per_day: float) -> tuple[AlarmBudget, ...]:
    """One per hour, four and one per day, and the setting's own, which may be one of them."""
    found = [AlarmBudget(one.name, one.per_day, abs(one.per_day - setting_per_day) < _SAME) for one in _USUAL]
    if not any(one.is_setting for one in found):
        found.append(AlarmBudget(f"{setting_per_day:g} per day", setting_per_day, is_setting=True))
    return tuple(found)


def rule_at(bank: Bank, budget: AlarmBudget) -> BudgetRule:
    """What the bank's threshold model makes of a budget."""
    found = bank.threshold.at(budget.per_day)
    warnings = (found.warning,) if found.warning else ()
    return BudgetRule(
        bank.threshold.rule(budget.per_day), (found.expected_low, found.expected_high), warnings
    )  # fmt: skip
