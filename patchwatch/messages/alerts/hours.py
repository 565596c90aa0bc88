"""The hours of a week in which a channel speaks, in a time zone that is stated."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Weekday(StrEnum):
    """In their order, as `datetime.weekday` counts them."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class ActiveHours(BaseModel):
    """From ``begin`` to before ``end``, over midnight where that is earlier; the whole day where both are equal.
    ``days``: those it begins on; empty: every day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: str = Field("00:00", pattern=_CLOCK, examples=["22:00"])
    end: str = Field("00:00", pattern=_CLOCK, examples=["06:00"])
    days: tuple[Weekday, ...] = Field((), max_length=7)

    def contain(self, at_ms: int, time_zone: str) -> bool:
        """Whether that moment lies in them. ``time_zone``: one that `zone` knows."""
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone(time_zone))
        begin, end, clock = _clock(self.begin), _clock(self.end), local.time()
        if begin < end:
            return begin <= clock < end and self._has(local)
        if clock >= begin:
            return self._has(local)
        return clock < end and self._has(local - timedelta(days=1))

    def _has(self, begun: datetime) -> bool:
        return not self.days or list(Weekday)[begun.weekday()] in self.days


def zone(name: str) -> ZoneInfo:
    """Raises `ValueError` for a time zone that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name[:64]!r} is not a time zone of this machine: give one like Europe/Berlin or UTC"
        ) from None


def _clock(text: str) -> time:
    return time.fromisoformat(text)
