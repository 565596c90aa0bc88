"""Absence as the API shows it."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.cameras.activity import UNKNOWN, Absence, AbsenceState, monday_of
from patchwatch.messages.cameras.camera import Camera

_QUARTERS_A_DAY = 96
_OFF = "it does not watch for absence: `patchwatch cameras absence {} --chance 0.01`, or PATCH it with absence_chance"
_NOT_YET = "nothing was judged yet: is `patchwatch run enrolment` running?"


class WeekActivity(BaseModel):
    """One week, by quarters of an hour of local time."""

    monday: date
    days: list[list[int | None]] = Field(
        description="Monday to Sunday, 96 quarters each: for how many percent of it something moved; null: not known."
    )

    @classmethod
    def from_row(cls, week: int, row: bytes) -> Self:
        percent = [None if value == UNKNOWN else round(100 * (value - 1) / 254) for value in row]
        days = [percent[start : start + _QUARTERS_A_DAY] for start in range(0, len(percent), _QUARTERS_A_DAY)]
        return cls(monday=monday_of(week), days=days)


class AbsenceView(BaseModel):
    """Whether what nearly always happens by now is absent."""

    camera_id: str = Field(examples=["gate"])
    alert_below: float | None = Field(
        description="`absence_chance` of the camera: an alert opens when nothing has moved for so long that the weeks "
        "before give that a smaller chance; null: it does not watch for absence."
    )
    state: AbsenceState | None
    text: str = Field(description="In words.", examples=["nothing has moved since Monday 08:00"])
    chance: float | None = Field(description="Of the present silence, by the weeks before; null: not known.")
    known_weeks: int = Field(description="Weeks before this one of which the present hour is known.")
    quiet_since: Time | None
    alert_id: str | None
    weeks: list[WeekActivity] = Field(description="Oldest first; at most 13.")

    @classmethod
    def of(cls, camera: Camera, absence: Absence | None, weeks: dict[int, bytes]) -> Self:
        off = camera.absence_chance is None
        known = None if off else absence
        return cls(
            camera_id=camera.id, alert_below=camera.absence_chance, state=known.state if known else None,
            text=known.text if known else (_OFF.format(camera.id) if off else _NOT_YET),
            chance=known.chance if known else None, known_weeks=known.weeks if known else 0,
            quiet_since=known.quiet_since_ms if known else None,
            alert_id=known.alert.id if known and known.alert else None,
            weeks=[WeekActivity.from_row(week, weeks[week]) for week in sorted(weeks)],
        )  # fmt: skip
