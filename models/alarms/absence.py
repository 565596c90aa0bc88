"""Absence: what nearly always happens by a certain time of the week did not.

For each quarter of an hour of a week it is known whether anything moved, whether nothing did, or neither (nobody could
see). The quarters since something last moved are compared with the same quarters of the weeks before: how probable is
it, by those, that nothing has moved by now?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

QUARTERS = 672  # of a week, from Monday 00:00 local time
A_HOUR = 4
A_DAY = 96
UNKNOWN, NOTHING = 0, 1  # of a quarter; more: something moved
LEAST_WEEKS = 3  # known of an hour, before it says anything
MOST_QUIET = QUARTERS  # quarters that a silence is followed back for

Weeks = Mapping[int, Sequence[int]]  # by the number of the week, `QUARTERS` values each


@dataclass(frozen=True)
class Hour:
    """Quarters of one hour that are silent now, and the weeks before: known in ``weeks``, silent in ``silent``."""

    first: int  # quarter of the week
    quarters: int
    weeks: int
    silent: int

    @property
    def chance(self) -> float:
        """That nothing moves in them. By the rule of succession, with nothing taken for granted in favour of movement:
        what happened in all of n weeks is missing in the next with at most 1 in n + 1."""
        return (self.silent + 1) / (self.weeks + 1) if self.weeks >= LEAST_WEEKS else 1.0


@dataclass(frozen=True)
class Silence:
    """Nothing moved in the last ``quarters`` quarters. ``chance``: that this happens, by the weeks before; 1 while too
    few are known. ``hours``: what that is made of, oldest first."""

    quarters: int
    hours: tuple[Hour, ...] = ()

    @property
    def chance(self) -> float:
        chance = 1.0
        for hour in self.hours:
            chance *= hour.chance
        return chance

    @property
    def weeks(self) -> int:
        """Fewest weeks that are known of an hour that counts; 0 where none does."""
        return min((hour.weeks for hour in self.hours if hour.weeks >= LEAST_WEEKS), default=0)


def silence_until(weeks: Weeks, week: int, quarter: int) -> Silence:
    """The silence up to and with this quarter of this week, which is over.

    A quarter in which nobody could see ends it, as one in which something moved does: what was waited for may have
    come just then. So time that is not known never counts as absence.
    """
    quiet: list[int] = []
    at = week * QUARTERS + quarter
    while len(quiet) < MOST_QUIET and _value(weeks, at) == NOTHING:
        quiet.append(at)
        at -= 1
    hours = [list(same) for _, same in groupby(reversed(quiet), key=lambda one: one // A_HOUR)]
    return Silence(len(quiet), tuple(_compared(weeks, week, same) for same in hours))


def known_weeks(weeks: Weeks, before: int, quarter: int) -> int:
    """Of how many weeks before this one a quarter is known."""
    return sum(week < before and row[quarter] != UNKNOWN for week, row in weeks.items())


def _compared(weeks: Weeks, before: int, quiet: Sequence[int]) -> Hour:
    """The same quarters of all weeks before the present one and the silence itself."""
    own = quiet[0] // QUARTERS
    rows = [[_value(weeks, at + (week - own) * QUARTERS) for at in quiet] for week in weeks if week < min(before, own)]
    known = [row for row in rows if UNKNOWN not in row]
    silent = sum(all(value == NOTHING for value in row) for row in known)
    return Hour(quiet[0] % QUARTERS, len(quiet), len(known), silent)


def _value(weeks: Weeks, at: int) -> int:
    row = weeks.get(at // QUARTERS)
    return UNKNOWN if row is None else row[at % QUARTERS]
