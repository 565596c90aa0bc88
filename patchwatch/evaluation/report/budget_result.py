"""What an alarm budget yields: events detected, false alarms, delays."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.evaluation.report.protocol import Interval

PROVISIONAL_LEVEL = "provisional"  # of a camera that goes on learning, at the budget of the setting
HEADLINE_BUDGET = "1 per hour"  # The one budget that every evaluation states, so that reports can be compared.


@dataclass(frozen=True)
class HeldOutCheck:
    """False alarms on normal footage that the bank did not see: folds over the training clips, none of it labelled.

    ``expected``: from the lowest to the highest count that the calibration of the folds states for so many hours, None
    where it states none. ``within``: whether the count seen is one that a Poisson process of some rate in that range
    yields with 95 % probability.
    """

    folds: int
    clips: int
    hours: float
    false_alarms: int
    expected: Interval | None
    within: bool | None


@dataclass(frozen=True)
class BudgetResult:
    """The camera's event rule at one number of expected false alarms, on the testing clips.

    ``on``, ``off``: its thresholds of the service score. ``stated_per_day``: the interval within which the calibration
    expects the false alarms per day to lie, None where it states none; ``warnings``: those of the calibration about its
    own footage. ``is_setting``: the budget that PATCHWATCH_FALSE_ALARMS_PER_DAY asks for.

    ``recall`` is ``detected`` of ``labelled`` events, None without any; of the detected, ``opened_early`` are by an
    event that was open already when the labelled range began (delay 0). ``false_alarms`` are events that overlap no
    labelled range, over ``normal_hours`` of frames labelled normal; ``false_alarms_per_hour`` is None without any.
    Delays are from the first labelled frame to the opening of the event, in seconds, over the detected ones.
    """

    name: str
    false_alarms_per_day: float
    is_setting: bool
    on: float
    off: float
    stated_per_day: Interval | None
    labelled: int
    detected: int
    opened_early: int
    recall: float | None
    false_alarms: int
    normal_hours: float
    false_alarms_per_hour: float | None
    delay_median_s: float | None
    delay_p90_s: float | None
    held_out: HeldOutCheck | None
    warnings: tuple[str, ...] = ()
