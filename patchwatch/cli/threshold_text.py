"""An alert threshold in words."""

from __future__ import annotations

from patchwatch.messages.banks.threshold import AlarmThreshold


def threshold_lines(threshold: AlarmThreshold) -> list[str]:
    """One line, and a second with the warning where there is one."""
    return [limits_line(threshold), *([f"WARNING: {threshold.warning}"] if threshold.warning else [])]


def limits_line(threshold: AlarmThreshold) -> str:
    """When alerts open and close, and how many false ones that means."""
    guess = "" if threshold.supported else "no more than a guess "
    return (
        f"an alert opens above a score of {threshold.on:.3f} and closes below {threshold.off:.3f}: "
        f"{spread(threshold)} false alarms a day, {guess}from {_length(threshold.footage_hours)} of footage"
    )


def spread(threshold: AlarmThreshold) -> str:
    """Expected false alarms a day with their interval."""
    low, high = _rate(threshold.expected_low), _rate(threshold.expected_high)
    return f"about {_rate(threshold.expected)} ({low} to {high})"


def budget(threshold: AlarmThreshold) -> str:
    """The false alarms a day that this threshold is for."""
    return _rate(threshold.false_alarms_per_day)


def _rate(per_day: float) -> str:
    if per_day < 0.01:
        return "0"
    return f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.2g}"


def _length(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
