"""Thresholds of a bank as messages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from models.alarms.alarm_threshold import Threshold, ThresholdModel
from patchwatch.messages.banks.threshold import AlarmThreshold

BUDGETS_PER_DAY = (24.0, 12.0, 4.0, 1.0, 1 / 7)  # offered to operators
_DIGITS = 4


def to_message(threshold: Threshold) -> AlarmThreshold:
    """Rounded for people."""
    facts: dict[str, Any] = asdict(threshold) | {"warning": threshold.warning}
    return AlarmThreshold.model_validate(
        {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in facts.items()}
    )


def curve_of(model: ThresholdModel) -> tuple[AlarmThreshold, ...]:
    """One for each budget that operators are offered, the most alarms first."""
    return tuple(to_message(model.at(per_day)) for per_day in BUDGETS_PER_DAY)
