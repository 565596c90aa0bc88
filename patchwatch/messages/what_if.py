"""What the recent past of a camera would have been under a change: the question, and its answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.bank_version import BANK_ID_PATTERN
from patchwatch.messages.base import CameraId, Message, RedactedText
from patchwatch.messages.cameras.correction import Span
from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone
from patchwatch.messages.frames.score import Region

MAX_LISTED = 100  # events of each list; counts are of all
MAX_DAYS = 31
START_WITHIN_S = 20.0  # an order that no worker has begun by then is dropped
_MAX_NOTES = 12


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BudgetChange(_Change):
    """Another alarm budget: false alarms a day that are accepted."""

    change: Literal["budget"]
    false_alarms_per_day: float = Field(ge=0.001, le=1000, examples=[2.0])


class LevelChange(_Change):
    """Another level: the score at which alerts open, whatever the budget."""

    change: Literal["level"]
    on: float = Field(gt=0, lt=1, examples=[0.8])


class MutedChange(_Change):
    """Other muted kinds of anomaly, in the place of those that are muted now."""

    change: Literal["muted"]
    muted: tuple[AnomalyKind, ...] = Field(max_length=len(AnomalyKind), examples=[["place"]])


class BankChange(_Change):
    """Another bank of the camera."""

    change: Literal["bank"]
    bank_id: str = Field(pattern=BANK_ID_PATTERN, examples=["0a1b2c3d4e5f"])


class ZonesChange(_Change):
    """Other zones, all of them, in the place of the present ones. Privacy zones are compared as ignored ones."""

    change: Literal["zones"]
    zones: tuple[Zone, ...] = Field(max_length=MAX_ZONES)


class CorrectionChange(_Change):
    """A correction of what is normal: what an alert of the camera showed is normal, always or at its hours."""

    change: Literal["correction"]
    kind: Literal["normal", "normal_at_this_time"] = "normal"
    alert_id: str = Field(max_length=200, examples=["gate-1795860000000"])


class UndoChange(_Change):
    """A correction that is in force, taken back."""

    change: Literal["undo"]
    correction_id: str = Field(pattern=r"^[0-9a-f]{16}$", examples=["0a1b2c3d4e5f6071"])


class StretchChange(_Change):
    """A stretch of time of up to a day: what was seen then is normal, or no bank shall learn from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    change: Literal["learn", "forget"]
    from_: AwareDatetime = Field(alias="from", examples=["2026-11-28T22:00:00Z"])
    to: AwareDatetime = Field(examples=["2026-11-28T22:05:00Z"])

    @model_validator(mode="after")
    def _is_a_day_at_most(self) -> Self:
        self.span  # noqa: B018 (raises where it is none)
        return self

    @property
    def span(self) -> Span:
        return Span(from_ms=round(self.from_.timestamp() * 1000), until_ms=round(self.to.timestamp() * 1000))


Change = Annotated[
    BudgetChange | LevelChange | MutedChange | BankChange | ZonesChange | CorrectionChange | UndoChange | StretchChange,
    Field(discriminator="change"),
]


class WhatIfOrder(Message):
    """A question that came over the API; an enrolment worker answers it under the token. ``from_ms``, ``to_ms``: Unix
    time."""

    token: str = Field(max_length=64)
    camera_id: CameraId
    change: Change
    from_ms: TimeMs
    to_ms: TimeMs
    asked_at_ms: TimeMs


class WhatIfEvent(BaseModel):
    """One alert, as it was or would have been. ``ended_at_ms``: None while it lasts. ``alert_id``: of the stored alert
    that it is; None where there is none. ``stream``, ``anomaly``, ``region``: at its peak, None where not known."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    started_at_ms: TimeMs
    opened_at_ms: TimeMs
    peak_at_ms: TimeMs
    ended_at_ms: TimeMs | None = None
    peak_score: float = Field(ge=0, le=1)
    stream: str | None = None
    anomaly: AnomalyKind | None = None
    region: Region | None = None
    alert_id: str | None = None


class Basis(StrEnum):
    """What was judged again."""

    SCORES = "scores"  # every stored score of the time
    MEMORY = "memory"  # what is remembered of the camera: a sample of the time


class WhatIf(BaseModel):
    """The answer. ``before`` and ``after``: how many alerts under what is in force now, and under the change. ``fewer``
    and ``more``: those without an alert of the other side at the same time, at most `MAX_LISTED` each, newest first;
    ``fewer_count``, ``more_count``: how many there are. ``level_before``, ``level_after``: scores at which alerts open.

    ``from_ms``, ``to_ms``: what was judged, which may be less than asked for. ``seconds``: how much of it there was.
    ``frames``: how many were judged. ``exact``: the change would have had exactly this effect; if not, ``notes`` say
    why.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    basis: Basis
    before: Count
    after: Count
    fewer_count: Count
    more_count: Count
    fewer: tuple[WhatIfEvent, ...] = Field((), max_length=MAX_LISTED)
    more: tuple[WhatIfEvent, ...] = Field((), max_length=MAX_LISTED)
    level_before: float | None = None
    level_after: float | None = None
    from_ms: TimeMs
    to_ms: TimeMs
    seconds: float = Field(ge=0)
    frames: Count
    exact: bool
    notes: tuple[RedactedText, ...] = Field((), max_length=_MAX_NOTES)

    @property
    def sentence(self) -> str:
        """What it means, for an operator."""
        return f"{_effect(self)} in {_length(self.seconds)} of {self.basis.value}{_total(self)}."


class WhatIfAnswer(Message):
    """How a question ended. ``code``: of the error it ended with; empty where there is an answer."""

    code: str = Field("", max_length=100)
    detail: RedactedText = ""
    what_if: WhatIf | None = None


def _effect(answer: WhatIf) -> str:
    if answer.before == answer.after == 0:
        return "No alert with or without the change"
    parts = [f"{_alerts(answer.fewer_count)} fewer"] if answer.fewer_count else []
    parts += [f"{_alerts(answer.more_count)} more"] if answer.more_count else []
    return " and ".join(parts) or "The same alerts"


def _total(answer: WhatIf) -> str:
    if answer.before == answer.after == 0:
        return ""
    return f": {answer.after} instead of {answer.before}" if answer.before != answer.after else f": {answer.after}"


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _length(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.1f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
