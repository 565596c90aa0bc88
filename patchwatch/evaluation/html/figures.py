"""Figures as people read them."""

from __future__ import annotations

from datetime import datetime

from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.protocol import Interval

NONE = "n/a"


def area(value: float | None) -> str:
    """An area under a curve, three digits."""
    return NONE if value is None else f"{value:.3f}"


def areas(interval: Interval) -> str:
    """An interval of areas."""
    return "{:.3f} to {:.3f}".format(*interval)


def counts(interval: Interval) -> str:
    """An interval of expected counts, which may be far below one."""
    low, high = (_count(end) for end in interval)
    return f"at most {high}" if interval[0] < 0.01 <= interval[1] else f"{low} to {high}"


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else "<0.01" if value < 0.01 else f"{value:.2g}"


def footage(seconds: float) -> str:
    """How long a recording is."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def clock(seconds: float, *, step_s: float = 1.0) -> str:
    """A time within a clip: seconds, or from two minutes on minutes and seconds. ``step_s`` tells how exactly."""
    if seconds < 120 and step_s < 120:
        return f"{seconds:.{0 if step_s >= 1 else 1}f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def counted(number: int, what: str, several: str | None = None) -> str:
    """A number with its noun: ``1 clip``, ``1,204 frames``, ``no event``."""
    if number == 0:
        return f"no {what}"
    return f"{number:,} {what if number == 1 else several or what + 's'}"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent."""
    return NONE if not whole else f"{100 * part / whole:.0f} %"


def moment(iso: str) -> str:
    """A time of day of an ISO 8601 text; the text itself where it is none."""
    try:
        return f"{datetime.fromisoformat(iso):%d %B %Y, %H:%M %Z}".strip().removeprefix("0")
    except ValueError:
        return iso


def chosen(budgets: tuple[BudgetResult, ...]) -> BudgetResult | None:
    """The budget that the camera's setting asks for, else the first one."""
    return next((budget for budget in budgets if budget.is_setting), budgets[0] if budgets else None)


def per_day(number: float) -> str:
    """A budget for people."""
    return "1 false alarm per day" if number == 1 else f"{number:g} false alarms per day"
