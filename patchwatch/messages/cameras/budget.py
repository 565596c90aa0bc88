"""How many false alarms a day are accepted: of the whole site, and what each camera may spend of that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.base import Message

LEAST_PER_DAY, MOST_PER_DAY = 0.01, 10_000.0  # of a site


class SiteBudget(Message):
    """False alarms a day that an operator accepts of all cameras together. None: there is no such budget."""

    per_day: float | None = Field(None, ge=LEAST_PER_DAY, le=MOST_PER_DAY)
    updated_at_ms: TimeMs = 0


class Allotment(BaseModel):
    """What a camera without a budget of its own may spend of the site's. ``share``: what each such camera would have
    if all had the same; ``per_day`` differs from it by what calm cameras lend to lively ones. ``settled_at_ms``: up to
    when the differences have been reckoned."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    per_day: float = Field(gt=0, le=MOST_PER_DAY)
    share: float = Field(gt=0, le=MOST_PER_DAY)
    settled_at_ms: TimeMs = 0

    @property
    def part(self) -> float:
        """Of the equal share."""
        return self.per_day / self.share

    @property
    def in_words(self) -> str:
        """For people: ``its share 1.0, and 0.4 lent by cameras that were calm``."""
        borrowed = self.per_day - self.share
        share = f"its share of the site's budget is {_rate(self.share)} a day"
        if abs(borrowed) < 0.05 * self.share:
            return share
        if borrowed > 0:
            return f"{share}, and {_rate(borrowed)} is lent by cameras that were calm"
        return f"{share}, of which it lends {_rate(-borrowed)} to livelier cameras"


def _rate(per_day: float) -> str:
    return f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.2g}"
