"""An alert as it is told to others: in REST answers, on WebSockets and in webhooks alike."""

from __future__ import annotations

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alert import Alert, AlertKind, AlertState


class RegionView(BaseModel):
    """A box in pixels of the camera's own picture."""

    x1: int = Field(examples=[412])
    y1: int = Field(examples=[96])
    x2: int = Field(examples=[468])
    y2: int = Field(examples=[240])


class AlertView(BaseModel):
    """An event of one camera. ``id`` stays the same over all its changes."""

    id: str = Field(examples=["gate-1795422600250"])
    camera_id: str = Field(examples=["gate"])
    kind: AlertKind = Field(
        description="`anomaly`: the scene departs from normal. `frozen`: frames arrive, the picture does not change. "
        "`covered`: the picture is black or featureless. `scene_changed`: the view as a whole is another one. "
        "`blind`: pictures come, but too seldom for anything to be told from them. "
        "`shaking`: the camera moves to and fro. `flickering`: bars of light roll through the picture. "
        "`offline`: no frames from a camera that should deliver them."
    )
    state: AlertState
    started: Time
    opened: Time
    peak: Time
    ended: Time | None
    peak_score: float | None = Field(description="Null for kinds other than anomaly.", examples=[0.97])
    threshold: float | None = Field(description="Null for kinds other than anomaly.", examples=[0.62])
    stream: str | None = Field(examples=["motion"])
    region: RegionView | None
    profile: str = Field(examples=["motion"])
    bank_id: str
    random_weights: bool
    detail: str = Field(description="Of kinds other than anomaly: what is wrong, in words.", examples=[""])
    snapshot: str = Field(examples=["/api/v1/alerts/gate-1795422600250/snapshot.jpg"])
    explanation: str | None = Field(
        description="Null for kinds other than anomaly.", examples=["/api/v1/alerts/gate-1795422600250/explanation"]
    )

    @classmethod
    def of(cls, alert: Alert, base: str = "") -> AlertView:
        """``base``: what the links begin with, where the service is not at the root of its host."""
        same = alert.model_dump(include=set(cls.model_fields) - {"started", "opened", "peak", "ended"})
        return cls(
            **same,
            started=alert.started_at_ms,
            opened=alert.opened_at_ms,
            peak=alert.peak_at_ms,
            ended=alert.ended_at_ms,
            snapshot=f"{base}/api/v1/alerts/{alert.id}/snapshot.jpg",
            explanation=f"{base}/api/v1/alerts/{alert.id}/explanation" if alert.kind is AlertKind.ANOMALY else None,
        )
