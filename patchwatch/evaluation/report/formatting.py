"""Numbers and times as people read them, for the page and the table of a report."""

from __future__ import annotations

from datetime import datetime

from patchwatch.evaluation.report.protocol import Interval

NOT_AVAILABLE = "n/a"
_MINUTES_FROM_S = 90  # Recordings shorter than this are given in seconds,
_HOURS_FROM_S = 5400  # and from here on in hours.
_CLOCK_FROM_S = 120  # Times within a clip are given as minutes and seconds from here on.


def area(value: float | None) -> str:
    """An area under a curve, with three digits."""
    return NOT_AVAILABLE if value is None else f"{value:.3f}"


def area_interval(interval: Interval) -> str:
    """An interval of areas under a curve."""
    low, high = interval
    return f"{low:.3f} to {high:.3f}"


def count_interval(interval: Interval) -> str:
    """An interval of expected counts, which may be far below one."""
    low, high = (expected_count(limit) for limit in interval)
    return f"at most {high}" if interval[0] < 0.01 <= interval[1] else f"{low} to {high}"


def expected_count(value: float) -> str:
    """An expected number of events, with two digits."""
    return f"{value:.0f}" if value >= 10 else "<0.01" if value < 0.01 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """How long a recording is."""
    if seconds < _MINUTES_FROM_S:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < _HOURS_FROM_S else f"{seconds / 3600:.1f} h"


def clock(seconds: float, digits: int = 1) -> str:
    """A time within a clip: seconds with so many digits, and from two minutes on minutes and seconds."""
    if seconds < _CLOCK_FROM_S:
        return f"{seconds:.{digits}f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def quantity(number: int, noun: str) -> str:
    """A number with its noun: ``1 clip``, ``1,204 frames``, ``no event``."""
    return f"no {noun}" if number == 0 else f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(part: float, whole: float = 1.0) -> str:
    """A part of a whole in per cent."""
    return f"{100 * part / whole:.0f} %" if whole else NOT_AVAILABLE


def frame_rate(value: float) -> str:
    """Frames per second, without digits that mean nothing."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def date_and_time(iso: str) -> str:
    """An ISO 8601 time for people; the text itself when it is not a time."""
    try:
        return f"{datetime.fromisoformat(iso):%d %B %Y, %H:%M %Z}".strip().removeprefix("0")
    except ValueError:
        return iso


def alarm_budget(per_day: float) -> str:
    """A budget of false alarms."""
    return "1 false alarm per day" if per_day == 1 else f"{per_day:g} false alarms per day"


def coordinate(value: float) -> str:
    """A coordinate of a drawing, with six significant digits."""
    return f"{value:.6g}"
