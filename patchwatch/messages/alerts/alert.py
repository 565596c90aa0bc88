"""An alert: an event of one camera, while it lasts and after. Published at each change."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, model_validator

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.contract.timestamps import Time
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.bank_context import ContextName
from patchwatch.messages.base import CameraId, Message, RedactedText
from patchwatch.messages.frames.score import Region


class AlertState(StrEnum):
    """An alert opens once and closes once."""

    OPEN = "open"
    CLOSED = "closed"


class AlertChange(StrEnum):
    """The changes of an alert that subscribers receive: it opened, once; its peak rose; it closed, once."""

    OPEN = "open"
    UPDATE = "update"
    CLOSED = "closed"


class AlertKind(StrEnum):
    """What departed from normal: the scene, or what the camera delivers of it."""

    ANOMALY = "anomaly"
    FROZEN = "frozen"  # frames arrive, the picture does not change
    COVERED = "covered"  # the picture is black, or without any detail
    SCENE_CHANGED = "scene_changed"  # the whole view is another one: the camera was moved, or switched to infrared
    BLIND = "blind"  # frames arrive, but the picture cannot be judged by them
    SHAKING = "shaking"  # the picture as a whole moves to and fro: a camera on a pole
    FLICKERING = "flickering"  # bars of light roll through the picture: lamps on mains, another shutter time
    OFFLINE = "offline"  # no frames from a camera that should deliver them
    DRIFT = "drift"  # quiet hours do not look any more as normal did when it was learnt
    LASTING_CHANGE = "lasting_change"  # something came, went or was moved and stays so, or the camera was nudged
    ABSENCE = "absence"  # what nearly always happens by this time of the week did not


class Alert(Message):
    """One event. ``id`` is derived from the camera and the start, so a replay yields the same alert, not a second.

    Times are milliseconds since the Unix epoch. ``started_at_ms`` is when it began (the score first rose above
    ``threshold``; of `OFFLINE`, the last frame), ``opened_at_ms`` when it had lasted for the minimum time. Only an
    anomaly has a peak score, threshold, stream, region and bank; of the other kinds ``detail`` says in words what is
    wrong and what to do.
    """

    # Anomalies are still written as version 1, which readers from before the other kinds understand.
    version: int = 2

    id: str
    camera_id: CameraId
    kind: AlertKind = AlertKind.ANOMALY
    state: AlertState
    started_at_ms: TimeMs
    opened_at_ms: TimeMs
    peak_at_ms: TimeMs
    ended_at_ms: TimeMs | None = None
    peak_score: float | None = Field(None, ge=0, le=1)
    threshold: float | None = None
    stream: str | None = None
    region: Region | None = None
    profile: str
    bank_id: str = ""
    random_weights: bool = False
    detail: RedactedText = ""
    anomaly: AnomalyKind | None = None  # of an anomaly at its peak; None in records of earlier versions
    zones: tuple[str, ...] = ()  # names of those that the region lies in
    context: ContextName | None = None  # of an anomaly: with whose normal alone its peak was compared
    provisional: bool = False  # of an anomaly: it opened at a level of a camera of which little was known yet
    page_only: bool = False  # people are told of it on the page alone, as its camera would ring too often yet
    told: Count = 0  # how many changes subscribers have received before this one

    @property
    def change(self) -> AlertChange:
        """The change that a subscriber sees."""
        if self.state is AlertState.CLOSED:
            return AlertChange.CLOSED
        return AlertChange.UPDATE if self.told else AlertChange.OPEN

    @model_validator(mode="after")
    def _an_anomaly_is_whole(self) -> Self:
        if self.kind is AlertKind.ANOMALY and (self.peak_score is None or self.threshold is None):
            raise ValueError("an anomaly has a peak_score and a threshold")
        return self


class AlertView(BaseModel):
    """An event of one camera. ``id`` stays the same over all its changes."""

    id: str = Field(examples=["gate-1795422600250"])
    camera_id: str = Field(examples=["gate"])
    kind: AlertKind = Field(
        description="`anomaly`: the scene departs from normal. `frozen`: frames arrive, the picture does not change. "
        "`covered`: the picture is black or featureless. `scene_changed`: the view as a whole is another one. "
        "`blind`: pictures come, but too seldom, or jumping too often, for an anomaly to be seen. "
        "`shaking`: the camera moves to and fro. `flickering`: bars of light roll through the picture. "
        "`offline`: no frames from a camera that should deliver them. "
        "`drift`: quiet hours do not look any more as normal did when it was learnt. "
        "`lasting_change`: something came, went or was moved and stays so, or the camera was nudged; it is learnt by "
        "itself unless it is called an anomaly."
    )
    state: AlertState
    started: Time
    opened: Time
    peak: Time
    ended: Time | None
    peak_score: float | None = Field(description="Null for kinds other than anomaly.", examples=[0.97])
    threshold: float | None = Field(description="Null for kinds other than anomaly.", examples=[0.62])
    anomaly: AnomalyKind | None = Field(
        description="What is unusual at the peak: `behaviour` (how something moves), `place` (what a place looks like: "
        "something or somebody lies, stands or is missing there) or `thing` (a class of object that is rarely there). "
        "Null for kinds other than anomaly.",
        examples=["place"],
    )
    stream: str | None = Field(examples=["motion"])
    region: Region | None
    zones: list[str] = Field(
        [], description="Names of the camera's zones that the centre of the region lies in.", examples=[["porch"]]
    )
    context: str | None = Field(
        None,
        description="The context that its peak shows, as `infrared` or `dark`: it was compared with what is normal in "
        "that alone. Null where it was compared with all that is normal.",
        examples=["infrared"],
    )
    profile: str = Field(examples=["motion"])
    bank_id: str
    random_weights: bool
    provisional: bool = Field(
        False,
        description="Of an anomaly: little was known of what is normal here when it opened, so false alarms are more "
        "frequent than the budget says. See `arming` in the camera's status.",
    )
    page_only: bool = Field(
        False,
        description="Of a provisional anomaly: so many false alarms were expected when it opened that it stands on the "
        "page and in this API alone. Channels, devices and the MQTT broker are not told of it; webhooks are. The limit "
        "is `PATCHWATCH_NOTIFY_WITHIN_BUDGETS`.",
    )
    detail: str = Field(description="Of kinds other than anomaly: what is wrong, in words.", examples=[""])
    snapshot: str = Field(examples=["/api/v1/alerts/gate-1795422600250/snapshot.jpg"])
    evidence: str = Field(
        description="What clip and pictures there are of it, and how far they are.",
        examples=["/api/v1/alerts/gate-1795422600250/evidence"],
    )
    explanation: str | None = Field(
        description="Null for kinds other than anomaly.", examples=["/api/v1/alerts/gate-1795422600250/explanation"]
    )

    @classmethod
    def from_alert(cls, alert: Alert, base: str = "") -> AlertView:
        """``base``: what the links begin with, where the service is not at the root of its host."""
        same = alert.model_dump(include=set(cls.model_fields) - {"started", "opened", "peak", "ended"})
        return cls(
            **same,
            started=alert.started_at_ms,
            opened=alert.opened_at_ms,
            peak=alert.peak_at_ms,
            ended=alert.ended_at_ms,
            snapshot=f"{base}/api/v1/alerts/{alert.id}/snapshot.jpg",
            evidence=f"{base}/api/v1/alerts/{alert.id}/evidence",
            explanation=f"{base}/api/v1/alerts/{alert.id}/explanation" if alert.kind is AlertKind.ANOMALY else None,
        )
