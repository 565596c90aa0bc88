"""How many false alarms a day are accepted: of the whole site, and what each camera may spend of that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.base import Message

LEAST_PER_DAY, MOST_PER_DAY = 0.01, 10_000.0  # of a site
_WORTH_A_WORD = 0.05  # smaller differences are not mentioned


class SiteBudget(Message):
    """False alarms a day that an operator accepts of all cameras together. None: there is no such budget."""

    per_day: float | None = Field(None, ge=LEAST_PER_DAY, le=MOST_PER_DAY)
    updated_at_ms: TimeMs = 0


class Allotment(BaseModel):
    """What a camera without a budget of its own may spend of the site's.

    ``share``: what each such camera would have if all had the same; ``per_day`` differs from it by what calm cameras
    lend to lively ones. ``level_per_day``: the budget that its level is set for, lower where it alerts more often than
    its level says. ``settled_at_ms``: up to when all that has been reckoned.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    per_day: float = Field(gt=0, le=MOST_PER_DAY)
    share: float = Field(gt=0, le=MOST_PER_DAY)
    level_per_day: float = Field(gt=0, le=MOST_PER_DAY)
    settled_at_ms: TimeMs = 0

    @property
    def part(self) -> float:
        """Of the equal share."""
        return self.per_day / self.share

    @property
    def excess(self) -> float:
        """How many times as often as its level says it alerts."""
        return self.per_day / self.level_per_day

    @property
    def in_words(self) -> str:
        """For people: ``its share of the site's budget is 1 a day, and 0.4 is lent by cameras that were calm``."""
        borrowed = self.per_day - self.share
        words = f"its share of the site's budget is {_rate(self.share)} a day"
        if borrowed > _WORTH_A_WORD * self.share:
            words += f", and {_rate(borrowed)} is lent by cameras that were calm"
        elif borrowed < -_WORTH_A_WORD * self.share:
            words += f", of which it lends {_rate(-borrowed)} to livelier cameras"
        if self.excess > 1.0 + _WORTH_A_WORD:
            words += f"; its level is that of {_rate(self.level_per_day)}, because it alerts {self.excess:.1f} times "
            words += "as often as its level says"
        return words


def _rate(per_day: float) -> str:
    return f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.2g}"
