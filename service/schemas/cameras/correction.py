"""Corrections of a camera's normal as the API takes and shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.verdict import MAX_NOTE_LENGTH
from patchwatch.messages.cameras.analysis_status import CorrectionsInForce
from patchwatch.messages.cameras.correction import (
    CameraCorrections,
    Correction,
    CorrectionHours,
    CorrectionKind,
    Span,
)
from service.schemas.request import RequestBody

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class OrderedKind(StrEnum):
    """What can be said of a stretch of time."""

    LEARN = "learn"
    FORGET = "forget"


class NewCorrection(RequestBody):
    """What is said of a stretch of time of up to a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "learn", "from": "2026-11-28T22:00:00Z", "to": "2026-11-28T22:05:00Z"}]
        }
    )

    kind: OrderedKind = Field(
        description="`learn`: what was seen then is normal, from some seconds on. `forget`: no bank learns from it; a "
        "new one is learnt without it at once."
    )
    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] = ""


class SpanView(BaseModel):
    """A stretch of time."""

    from_: Time = Field(serialization_alias="from")
    to: Time

    @classmethod
    def from_span(cls, span: Span) -> Self:
        return cls(from_=span.from_ms, to=span.until_ms)


class HoursView(BaseModel):
    """When a correction counts, in the local time of the machines that score."""

    from_: str = Field(serialization_alias="from", examples=["21:30"])
    to: str = Field(examples=["22:45"])
    weekday: str | None = Field(description="Null: every day.", examples=["Monday"])

    @classmethod
    def from_hours(cls, hours: CorrectionHours | None) -> Self | None:
        if hours is None:
            return None
        day = None if hours.weekday is None else _DAYS[hours.weekday]
        return cls(from_=_clock(hours.from_minute), to=_clock(hours.from_minute + hours.minutes), weekday=day)


class CorrectionView(BaseModel):
    """What was said of a time of the camera's, by whom, and whether it counts."""

    id: str
    kind: CorrectionKind = Field(
        description="`normal`, `normal_at_this_time`, `anomaly`: a verdict on an alert. `learn`, `forget`: said of a "
        "stretch of time. `recurring`: it recurred so often that it counts as normal at these hours. "
        "`lasting`: the scene has changed and stays so, and banks learn how it looks now."
    )
    spans: list[SpanView]
    hours: HoursView | None = Field(description="Null: it counts always.")
    alert_ids: list[str]
    by: str = Field(examples=["operator"])
    at: Time
    note: str
    in_force: bool
    undone_by: str | None
    undone_at: Time | None

    @classmethod
    def from_record(cls, correction: Correction) -> Self:
        return cls(
            id=correction.id,
            kind=correction.kind,
            spans=[SpanView.from_span(span) for span in correction.spans],
            hours=HoursView.from_hours(correction.hours),
            alert_ids=list(correction.alert_ids),
            by=correction.by,
            at=correction.at_ms,
            note=correction.note,
            in_force=correction.in_force,
            undone_by=correction.undone_by,
            undone_at=correction.undone_at_ms,
        )


class CorrectionAnswer(CorrectionView):
    """A correction that was just made or undone."""

    effect: str = Field(description="What that does, for people.")

    @classmethod
    def of(cls, correction: Correction, effect: str) -> Self:
        return cls(**dict(CorrectionView.from_record(correction)), effect=effect)


class CorrectionsView(BaseModel):
    """How many corrections change the scores by now, and how many do not yet."""

    in_force: int = Field(examples=[2])
    waiting: int = Field(examples=[0])
    why_waiting: str = Field(examples=[""])

    @classmethod
    def from_status(cls, status: CorrectionsInForce | None) -> Self | None:
        if status is None:
            return None
        return cls(in_force=status.in_force, waiting=status.waiting, why_waiting=status.why_waiting)


class CorrectionList(BaseModel):
    """All corrections of a camera, newest first: those in force, and the last that were undone."""

    corrections: list[CorrectionView]

    @classmethod
    def from_record(cls, record: CameraCorrections) -> Self:
        return cls(corrections=[CorrectionView.from_record(one) for one in reversed(record.corrections)])


def _clock(minute: int) -> str:
    hour, rest = divmod(minute % 1440, 60)
    return f"{hour:02}:{rest:02}"
