"""Hours of the day, or of the week, in the local time of this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

MINUTES_A_DAY = 24 * 60
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Hours:
    """From a minute of the day (0 is midnight) for so many ``minutes``, past midnight too. ``weekday``: the one on
    which they begin, 0 is Monday; None: every day. What the clock shows counts, so summer time moves them."""

    from_minute: int
    minutes: int
    weekday: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.from_minute < MINUTES_A_DAY or not 1 <= self.minutes <= MINUTES_A_DAY:
            raise ValueError(f"hours begin within a day and last up to one, not {self.from_minute}, {self.minutes}")
        if self.weekday is not None and not 0 <= self.weekday < _DAYS_A_WEEK:
            raise ValueError(f"a day of the week is 0 (Monday) to 6, not {self.weekday}")

    def contains(self, at_ms: int) -> bool:
        """Whether a moment, Unix time, is within them."""
        local = time.localtime(at_ms / 1000)
        since = local.tm_hour * 60 + local.tm_min - self.from_minute
        began_yesterday = since < 0
        if since % MINUTES_A_DAY >= self.minutes:
            return False
        return self.weekday is None or (local.tm_wday - began_yesterday) % _DAYS_A_WEEK == self.weekday
