"""A bank in the shadow of a camera's active one, as the API shows it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.cameras.shadow import DEFAULT_DAYS, MAX_DAYS
from patchwatch.messages.frames.score import Region
from service.schemas.request import RequestBody

MAX_LISTED = 100


class ShadowStart(RequestBody):
    """For how long."""

    days: float = Field(DEFAULT_DAYS, gt=0, le=MAX_DAYS, description="It ends by itself after so many days.")


class ShadowAlertView(BaseModel):
    """An alert of either bank. Those of the bank in the shadow are told to nobody, and have no picture."""

    id: str = Field(examples=["gate-1795860000000"])
    state: AlertState
    started: Time
    peaked: Time
    ended: Time | None
    peak_score: float | None
    anomaly: AnomalyKind | None
    region: Region | None
    zones: list[str]

    @classmethod
    def from_alert(cls, alert: Alert) -> Self:
        return cls(
            id=alert.id, state=alert.state, started=alert.started_at_ms, peaked=alert.peak_at_ms,
            ended=alert.ended_at_ms, peak_score=alert.peak_score, anomaly=alert.anomaly, region=alert.region,
            zones=list(alert.zones),
        )  # fmt: skip


class ShadowView(BaseModel):
    """Both lists side by side, since the bank is scored. Lists hold the newest 100 alerts at most, newest first."""

    camera_id: str = Field(examples=["gate"])
    bank_id: str = Field(examples=["0a1b2c3d4e5f"])
    active_bank_id: str | None
    sentence: str = Field(examples=["3 alerts fewer with the bank in the shadow: 2 instead of 5."])
    since: Time
    until: Time = Field(description="It ends by itself.")
    scoring: bool = Field(description="Whether frames are scored with it at present.")
    reason: str = Field(description="Why not, if not.", examples=[""])
    frames: int = Field(description="Frames scored with it so far.", examples=[302_400])
    ms_per_frame: float | None = Field(description="What scoring with a second bank costs.", examples=[0.4])
    alerts: int = Field(description="Anomaly alerts of the camera in this time.", examples=[5])
    shadow_alerts: int = Field(description="Those of the bank in the shadow.", examples=[2])
    active: list[ShadowAlertView]
    shadow: list[ShadowAlertView]
    only_active: list[ShadowAlertView] = Field(description="Without a counterpart in the shadow.")
    only_shadow: list[ShadowAlertView] = Field(description="Without a counterpart of the camera.")
