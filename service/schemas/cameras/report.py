"""The report on a camera's last days."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import AlertKind
from service.schemas.budget import BudgetView
from service.schemas.cameras.status import ConfirmedShare, Health


class Kept(StrEnum):
    """Whether the alarm budget was kept, as far as so many days can tell."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"  # so few days, or so small a budget, that both is possible


class WatchedTime(BaseModel):
    """Where the hours went. Only whole hours count."""

    hours: float = Field(description="Hours of the period that are over and summed up.", examples=[168.0])
    watched_h: float = Field(description="In which frames were scored, and the picture could be judged.")
    blind_h: float = Field(description="In which frames were scored and could show no anomaly.", examples=[0.5])
    offline_h: float = Field(description="In which no frames came.", examples=[2.0])
    not_scored_h: float = Field(
        description="The rest: it had no bank, was switched off, or Patchwatch dropped its frames or did not run."
    )


class BudgetReport(BaseModel):
    """What was spent of the alarm budget: anomalies that nobody confirmed, those of a provisional level left out."""

    budget: BudgetView
    spent: int = Field(examples=[9])
    per_day: float | None = Field(description="Per day that was watched; null: none was.", examples=[1.3])
    low: float | None = Field(description="90 % interval of the rate, from here ...", examples=[0.7])
    high: float | None = Field(description="... to here.", examples=[2.2])
    kept: Kept


class AlertReport(BaseModel):
    """The alerts that began in the period."""

    by_kind: dict[AlertKind, int] = Field(examples=[{"anomaly": 12, "offline": 1}])
    reviewed: int = Field(description="Anomalies that somebody has judged.", examples=[8])
    unreviewed: int = Field(description="Anomalies that nobody has judged.", examples=[4])
    normal: int = Field(description="Anomalies that were normal, in the words of an operator.", examples=[6])
    confirmed_share: ConfirmedShare | None = Field(description="Of those that were judged; null while none was.")
    complete: bool = Field(description="False: there were more alerts at this site than a report reads.")


class LearntReport(BaseModel):
    """What the camera learnt in the period."""

    banks: int = Field(description="Banks learnt.", examples=[1])
    corrections: int | None = Field(
        description="Corrections of what is normal that are in force now; null: they cannot be read.", examples=[2]
    )
    active_bank: str | None = Field(description="The bank that scores now.", examples=["3f0c2a9b1d7e"])
    active_since: Time | None = Field(description="When it was stored.")
    text: str = Field(description="How complete it is, and when the camera learns again.")


class DriftReport(BaseModel):
    """Whether quiet hours look as normal did when it was learnt."""

    hours: int = Field(description="Quiet hours judged, with the active bank.", examples=[96])
    drifting: list[str] = Field(description="Streams that differ.", examples=[["place"]])
    text: str = Field(description="What changed, and what to do; empty while nothing did.")


class CameraReport(BaseModel):
    """What a camera did in the last days, and what to do next."""

    camera_id: str = Field(examples=["gate"])
    from_: Time = Field(serialization_alias="from")
    to: Time
    health: Health
    watched: WatchedTime
    alerts: AlertReport
    budget: BudgetReport
    learnt: LearntReport
    drift: DriftReport
    next_step: str = Field(description="The one thing to do.", examples=["nothing needs to be done"])
    lines: list[str] = Field(description="All of it in words, a sentence each.")
